use std::process::ExitCode;

// Measured against the system allocator in benches/peers: a load generator allocates per request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loadgate::cli::main()
}
