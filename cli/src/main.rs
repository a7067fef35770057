//! The `kernite` shell.
//!
//! Nothing is built yet: it says so and fails.

fn main() -> std::process::ExitCode {
    eprintln!("the shell is not built yet");
    std::process::ExitCode::FAILURE
}
