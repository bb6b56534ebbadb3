//! A block of properties: `[limit of octets / 16, limit of properties, block..]`.

use bytes::BytesMut;
use zmtp_core::Limits;
use zmtp_core::wire::metadata::Metadata;

use crate::common::{heap, naive, split};

/// Metadata is read as a naive reader does, in order, and within its limits.
pub fn run(data: &[u8]) {
    let ([octets, properties], block) = split(data);
    let mut limits = Limits::DEFAULT;
    if octets > 0 {
        limits.max_metadata = usize::from(octets) * 16;
    }
    if properties > 0 {
        limits.max_properties = usize::from(properties);
    }
    let read = heap::bounded(block.len(), limits.max_metadata, || Metadata::decode(block, &limits));
    let naive = naive::metadata(block, &limits);
    assert_eq!(read.is_ok(), naive.is_some(), "{read:?} is {naive:?}");
    let (Ok(metadata), Some(naive)) = (read, naive) else { return };
    let list: Vec<_> = metadata
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
        .collect();
    assert_eq!(list, naive, "in order");
    for (name, _) in metadata.iter() {
        for name in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
            let found = metadata.get(&name).map(|value| &value[..]);
            assert_eq!(found, naive::lookup(&naive, name.as_bytes()));
        }
    }
    assert_eq!(metadata.get("Not-There"), None.or(metadata.get("not-there")));
    let mut again = BytesMut::new();
    metadata.encode(&mut again);
    assert_eq!(again, block, "one spelling for each block");
    // Where a block is cut, it is whole only between two properties.
    let mut ends = vec![0];
    for (name, value) in &naive {
        ends.push(ends[ends.len() - 1] + 5 + name.len() + value.len());
    }
    for cut in 0..block.len().min(600) {
        assert_eq!(Metadata::decode(&block[..cut], &limits).is_ok(), ends.contains(&cut), "{cut}");
    }
}
