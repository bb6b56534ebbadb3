//! A table that never grows past its bound.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of entries: when the younger is full, the older is forgotten, and who was not
/// asked for since the last time goes with it. Every operation takes constant time.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    /// A table of at most `bound` entries.
    pub(crate) fn new(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: bound.div_ceil(2).max(1) }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&mut V> {
        if let Some(value) = self.old.remove(key) {
            self.insert(key.clone(), value);
        }
        self.young.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.young.iter().chain(&self.old)
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn it_keeps_its_bound_and_what_is_in_use() {
        let mut table = Bounded::new(10);
        for key in 0..1000 {
            table.insert(key, key);
            assert!(table.iter().count() <= 10);
            assert_eq!(table.get(&0), Some(&mut 0), "in use");
            assert_eq!(table.get(&key), Some(&mut { key }), "the newest");
        }
        assert_eq!(table.get(&1), None, "forgotten");
        assert_eq!(table.remove(&0), Some(0));
        assert_eq!(table.get(&0), None);
    }
}
