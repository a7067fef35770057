//! Programs that know nothing of Kernite, run over its shared library: one in C, one in Python, one in Tcl.
//!
//! Each runs in a process of its own, because the library's symbols are SQLite's, and checks that it talks to this library
//! (`sqlite3_sourceid` names its version) before it checks anything else. A program whose interpreter is not there is passed over, with a
//! word about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A folder with `libsqlite3.so.0` (and `libsqlite3.so` for the linker).
fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // A crate without a Rust library is not built for its own tests.
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--lib",
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the library does not build");
        let test = std::env::current_exe().expect("the test has a path");
        let profile = test.ancestors().nth(2).expect("tests are built in target/<profile>/deps");
        let library = profile.with_file_name("debug").join("libsqlite3.so");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("library-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        for name in ["libsqlite3.so", "libsqlite3.so.0"] {
            let link = folder.join(name);
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&library, link).expect("a link can be made");
        }
        folder
    })
}

/// A fresh folder for a program's files.
fn work_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn program(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(file)
}

fn check(output: &Output) {
    assert!(
        output.status.success() && output.stdout.ends_with(b"all right\n"),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whether a command can be run; says so where it cannot.
fn is_there(command: &str, arguments: &[&str], input: &str) -> bool {
    use std::io::Write as _;
    let child = Command::new(command)
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let found = child.is_ok_and(|mut child| {
        let fed = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(input.as_bytes()).is_ok());
        child.wait().is_ok_and(|status| fed && status.success())
    });
    if !found {
        println!("passed over: {command} with SQLite is not there");
    }
    found
}

#[test]
fn a_c_program_written_against_the_header_works() {
    let folder = work_folder("c");
    let binary = folder.join("interface");
    let compiled = Command::new("cc")
        .args(["-Wall", "-Werror", "-Wno-unused", "-o"])
        .arg(&binary)
        .arg(program("interface.c"))
        .arg(concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include"))
        .arg(format!("-L{}", library_folder().display()))
        .arg("-lsqlite3")
        .output()
        .expect("a C compiler runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&binary)
        .current_dir(&folder)
        .env("LD_LIBRARY_PATH", library_folder())
        .output()
        .expect("the program runs");
    check(&output);
}

#[test]
fn a_python_program_works() {
    if !is_there("python3", &["-c", "import sqlite3"], "") {
        return;
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(program("interface.py"))
        .current_dir(work_folder("python"))
        .env("LD_LIBRARY_PATH", library_folder())
        .output()
        .expect("python runs");
    check(&output);
}

#[test]
fn a_tcl_program_works() {
    if !is_there("tclsh", &[], "package require sqlite3\n") {
        return;
    }
    let output = Command::new("tclsh")
        .arg(program("interface.tcl"))
        .current_dir(work_folder("tcl"))
        .env("LD_LIBRARY_PATH", library_folder())
        .output()
        .expect("tclsh runs");
    check(&output);
}
