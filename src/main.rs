//! The nablad process.

fn main() -> std::process::ExitCode {
    nablad::process::main()
}
