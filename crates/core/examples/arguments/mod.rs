//! What an example is given on its command line.

/// The arguments with these names; without them, how the example is called.
pub(crate) fn read<const N: usize>(names: [&str; N]) -> Result<[String; N], String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    given
        .try_into()
        .map_err(|_| format!("the arguments are {}", names.join(" ")))
}
