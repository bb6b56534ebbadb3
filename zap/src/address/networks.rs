//! Networks of one family, and which of them covers an address most narrowly.
//!
//! Networks either contain each other or have nothing in common. So the addresses fall into ranges, each
//! with one narrowest network or none, and an address belongs to the range that begins last before it.
//! The ranges are sorted; a table by the first bits tells where to look among them. A lookup takes few
//! steps for addresses of any kind, since at worst it halves the ranges until one is left.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Networks and what belongs to each of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks<A> {
    /// By first address and length of the prefix, so that a network stands before those within it.
    all: BTreeMap<(A, u8), u32>,
    /// Made when it is needed.
    ranges: OnceLock<Arc<Ranges<A>>>,
}

/// An address as a number.
pub(super) trait Address: Copy + Ord + Into<u128> {
    /// All bits set behind a prefix.
    fn hosts(length: u8) -> Self;

    /// The address, both of whose bits are set where one is set.
    fn or(self, other: Self) -> Self;

    /// The address behind this one, if it is not the last.
    fn next(self) -> Option<Self>;
}

macro_rules! address {
    ($number:ty) => {
        impl Address for $number {
            fn hosts(length: u8) -> Self {
                <$number>::MAX.checked_shr(length.into()).unwrap_or_default()
            }

            fn or(self, other: Self) -> Self {
                self | other
            }

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
        }
    };
}

address!(u32);
address!(u128);

/// Two tables are the same if the same stands in them, whether they were asked or not.
impl<A: PartialEq> PartialEq for Networks<A> {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl<A: Address> Networks<A> {
    /// Puts a network in, and gives what belonged to it before.
    pub(super) fn insert(&mut self, first: A, length: u8, value: u32) -> Option<u32> {
        self.ranges.take();
        self.all.insert((first, length), value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = u32> {
        self.all.values().copied()
    }

    /// What belongs to the narrowest network that covers an address.
    pub(super) fn narrowest(&self, address: A) -> Option<u32> {
        self.ranges().find(address)
    }

    /// Gets ready for lookups; the first of them would do it.
    pub(super) fn ranges(&self) -> &Ranges<A> {
        self.ranges.get_or_init(|| Arc::new(Ranges::new(&self.all)))
    }
}

/// Where a range begins, and what belongs to its addresses.
type Range<A> = (A, Option<u32>);

#[derive(Debug)]
pub(super) struct Ranges<A> {
    /// In order. What stands before the first one belongs to no network.
    ranges: Vec<Range<A>>,
    /// The beginning of the first range.
    first: u128,
    /// How many bits of the distance from there are left out to find a place in `places`.
    shift: u32,
    /// Where the range stands that the first address with such a distance belongs to.
    places: Vec<u32>,
}

impl<A: Address> Ranges<A> {
    fn new(networks: &BTreeMap<(A, u8), u32>) -> Self {
        let ranges = split(networks);
        let start = |range: Option<&Range<A>>| range.map_or(0, |(start, _)| (*start).into());
        let first: u128 = start(ranges.first());
        let distance = start(ranges.last()) - first;
        // About as many places as ranges.
        let bits = u128::BITS - distance.leading_zeros();
        let shift = bits.saturating_sub(ranges.len().checked_ilog2().unwrap_or(0));
        let place = |place: u128| {
            let begin = first + (place << shift);
            let before = ranges.partition_point(|(start, _)| (*start).into() <= begin);
            u32::try_from(before.saturating_sub(1)).unwrap_or(u32::MAX)
        };
        let places = (0..=distance >> shift).map(place).collect();
        Self { ranges, first, shift, places }
    }

    fn find(&self, address: A) -> Option<u32> {
        let distance: u128 = address.into().checked_sub(self.first)? >> self.shift;
        let at = usize::try_from(distance).unwrap_or(usize::MAX);
        let last = self.ranges.len().checked_sub(1)?;
        let place = |at| self.places.get(at).map_or(last, |place| *place as usize);
        let near = self.ranges.get(place(at)..=place(at.saturating_add(1)))?;
        let before = near.partition_point(|(start, _)| *start <= address);
        near.get(before.checked_sub(1)?)?.1
    }
}

fn split<A: Address>(networks: &BTreeMap<(A, u8), u32>) -> Vec<Range<A>> {
    let mut ranges: Vec<Range<A>> = Vec::new();
    let mut begin = |start: A, value: Option<u32>| match ranges.last_mut() {
        // The range before would be empty.
        Some((known, last)) if *known == start => *last = value,
        _ => ranges.push((start, value)),
    };
    // The last addresses of the networks around this place and what belongs to them, the narrowest last.
    let mut around: Vec<(A, u32)> = Vec::new();
    let value = |around: &[(A, u32)]| around.last().map(|(_, value)| *value);
    for (&(first, length), &own) in networks {
        while let Some((last, _)) = around.pop_if(|(last, _)| *last < first) {
            last.next().into_iter().for_each(|behind| begin(behind, value(&around)));
        }
        begin(first, Some(own));
        around.push((first.or(A::hosts(length)), own));
    }
    while let Some((last, _)) = around.pop() {
        last.next().into_iter().for_each(|behind| begin(behind, value(&around)));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use std::ops::{BitAnd, Not};

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// As it is defined: of all that cover the address, the longest prefix.
    fn narrowest<A: Address>(networks: &BTreeMap<(A, u8), u32>, address: A) -> Option<u32> {
        let covers = |first: A, length| first <= address && address <= first.or(A::hosts(length));
        let covering = networks.iter().filter(|((first, length), _)| covers(*first, *length));
        covering.max_by_key(|((_, length), _)| *length).map(|(_, value)| *value)
    }

    /// The first address of the network of that length around an address.
    fn first<A: Address + Not<Output = A> + BitAnd<Output = A>>(address: A, length: u8) -> A {
        address & !A::hosts(length)
    }

    fn check<A>(networks: Vec<(A, u8)>, addresses: Vec<A>) -> Result<(), TestCaseError>
    where
        A: Address + Default + Not<Output = A> + BitAnd<Output = A>,
    {
        let (mut table, mut expected) = (Networks::default(), BTreeMap::new());
        for (value, (address, length)) in (0..).zip(networks) {
            let first = first(address, length);
            prop_assert_eq!(
                table.insert(first, length, value),
                expected.insert((first, length), value)
            );
            for (first, length) in expected.keys() {
                let last = first.or(A::hosts(*length));
                for edge in [Some(*first), Some(last), last.next()].into_iter().flatten() {
                    prop_assert_eq!(table.narrowest(edge), narrowest(&expected, edge));
                }
            }
        }
        for address in addresses {
            prop_assert_eq!(table.narrowest(address), narrowest(&expected, address));
        }
        Ok(())
    }

    #[test]
    fn networks_may_end_where_the_one_around_them_ends() {
        for outer in 0..=30 {
            let networks = [outer, outer + 1, 31, 32].map(|length| (0x7FFF_FFFF, length));
            check(networks.to_vec(), Vec::<u32>::new()).unwrap();
            let networks = networks.map(|(address, length)| (u128::from(address), length + 96));
            check(networks.to_vec(), vec![]).unwrap();
        }
    }

    /// Few different octets, so that networks contain each other.
    fn octets<const N: usize>() -> impl Strategy<Value = [u8; N]> {
        let octet = prop_oneof![Just(0), Just(1), Just(128), Just(255), any::<u8>()];
        vec(octet, N).prop_map(|octets| octets.try_into().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_narrowest_of_ipv4_is_the_longest_prefix(
            networks in vec((octets::<4>().prop_map(u32::from_be_bytes), 0_u8..=32), 0..24),
            addresses in vec(octets::<4>().prop_map(u32::from_be_bytes), 0..64),
        ) {
            check(networks, addresses)?;
        }

        #[test]
        fn the_narrowest_of_ipv6_is_the_longest_prefix(
            networks in vec((octets::<16>().prop_map(u128::from_be_bytes), 0_u8..=128), 0..24),
            addresses in vec(octets::<16>().prop_map(u128::from_be_bytes), 0..64),
        ) {
            check(networks, addresses)?;
        }
    }
}
