//! How much a test does that could go on for ever: little and always the same in `make test`, much and always something
//! else in `make soak`.

/// The variable that asks for much.
const SOAK: &str = "IDFLOW_SOAK";

/// The variable with the seed that random tests begin with.
const SEED: &str = "IDFLOW_SEED";

/// The first in `make test`, the second in `make soak`.
pub fn of<T>(few: T, many: T) -> T {
    if std::env::var_os(SOAK).is_some() { many } else { few }
}

/// The seed of this run: 1 unless another one is set.
pub fn seed() -> u64 {
    std::env::var(SEED).ok().map_or(1, |text| text.parse().expect("IDFLOW_SEED is a number"))
}
