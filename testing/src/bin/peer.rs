//! A process for the process tests; what it can do stands in `kernite_testing::peer`.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    kernite_testing::peer::main(&arguments);
}
