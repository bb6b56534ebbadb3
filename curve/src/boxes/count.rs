//! How often the tests multiply on the curve.

extern crate std;

use core::cell::Cell;

std::thread_local! {
    static COUNT: Cell<Multiplications> = const { Cell::new(Multiplications::NONE) };
}

/// Scalar multiplications of this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Multiplications {
    pub(crate) variable_base: u32,
    pub(crate) fixed_base: u32,
}

impl Multiplications {
    pub(crate) const NONE: Self = Self { variable_base: 0, fixed_base: 0 };

    /// Those since the last call.
    pub(crate) fn take() -> Self {
        COUNT.replace(Self::NONE)
    }
}

pub(super) fn variable_base() {
    let count = COUNT.get();
    COUNT.set(Multiplications { variable_base: count.variable_base + 1, ..count });
}

pub(super) fn fixed_base() {
    let count = COUNT.get();
    COUNT.set(Multiplications { fixed_base: count.fixed_base + 1, ..count });
}
