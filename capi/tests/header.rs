//! `include/sqlite3.h` is what the Rust declarations say.
//!
//! Written anew with `KERNITE_WRITE_HEADER=1 cargo test -p kernite-capi --test header`.

use std::path::Path;

#[test]
fn the_header_is_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config =
        cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("the configuration is valid");
    let bindings = cbindgen::Builder::new()
        .with_crate(folder)
        .with_config(config)
        .generate()
        .expect("the declarations can be read");
    let mut written = Vec::new();
    bindings.write(&mut written);
    let path = folder.join("include/sqlite3.h");
    if std::env::var_os("KERNITE_WRITE_HEADER").is_some() {
        std::fs::write(&path, &written).expect("the header can be written");
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert!(kept == written, "include/sqlite3.h is not current: write it anew");
}
