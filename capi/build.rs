//! Compiles the C half of functions with a variable number of arguments, and names the shared library as programs expect it.

fn main() {
    println!("cargo:rerun-if-changed=c/variadic.c");
    println!("cargo:rerun-if-changed=build.rs");
    cc::Build::new().file("c/variadic.c").pic(true).warnings(true).compile("kernite_variadic");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libsqlite3.dylib"),
        Ok("windows") => {}
        _ => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsqlite3.so.0"),
    }
}
