use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The same, as simple as possible.
type Model = BTreeMap<Vec<u8>, u32>;

impl<V> PrefixTree<V> {
    /// Everything that the doc comments promise about the nodes.
    fn check(&self) {
        let mut reached = 0;
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            reached += 1;
            let node = &self.nodes[id.0 as usize];
            let forks = node.value.is_some() || node.children.len() > 1 || id == ROOT;
            assert!(forks, "a node for nothing");
            assert!(node.value.is_none() || node.key.len() == node.end, "a key of another");
            assert!(node.children.is_sorted(), "children out of order");
            for (first, child) in &node.children {
                let below = &self.nodes[child.0 as usize];
                assert_eq!(below.parent, id, "a child of another parent");
                assert_eq!(below.start, node.end, "a gap between labels");
                assert_eq!(below.label().first(), Some(first), "a label that begins otherwise");
                assert_eq!(below.key[..node.end], node.key[..node.end], "two paths to one node");
                open.push(*child);
            }
        }
        let vacant = self.vacant.iter().filter(|id| (id.0 as usize) < self.nodes.len());
        assert_eq!(reached + vacant.count(), self.nodes.len(), "nodes that nobody can reach");
    }
}

impl PrefixTree<u32> {
    fn add_one(&mut self, prefix: &[u8]) {
        let id = self.insert(prefix).unwrap();
        *self.value_mut(id).unwrap() += 1;
    }

    fn found(&self, topic: &[u8]) -> Vec<u32> {
        let mut found = Vec::new();
        self.matching(topic, |value| found.push(*value));
        found
    }
}

fn naive(model: &Model, topic: &[u8]) -> Vec<u32> {
    let prefixes = model.iter().filter(|(prefix, _)| topic.starts_with(prefix));
    prefixes.map(|(_, count)| *count).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u8>),
    Remove(Vec<u8>),
    RemoveAny(prop::sample::Index),
}

/// Few letters, so that prefixes meet and part everywhere.
fn word() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![6 => Just(b'a'), 3 => Just(b'b'), 1 => any::<u8>()], 0..9)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => word().prop_map(Step::Add),
        1 => word().prop_map(Step::Remove),
        3 => any::<prop::sample::Index>().prop_map(Step::RemoveAny),
    ]
}

fn remove(tree: &mut PrefixTree<u32>, model: &mut Model, prefix: &[u8]) {
    let id = tree.find(prefix);
    let taken = id.and_then(|id| tree.remove(id));
    assert_eq!(taken, model.remove(prefix));
}

proptest! {
    // PUBSUB-WIRE-04, PUBSUB-WIRE-05, PUBSUB-WIRE-06, PUBSUB-WIRE-09: whatever came and went, a
    // topic finds what a look at every prefix finds.
    #[test]
    fn finds_what_a_scan_finds(
        steps in prop::collection::vec(step(), 1..120),
        topics in prop::collection::vec(word(), 1..20),
    ) {
        let mut tree = PrefixTree::default();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Add(prefix) => {
                    tree.add_one(&prefix);
                    *model.entry(prefix).or_default() += 1;
                }
                Step::Remove(prefix) => remove(&mut tree, &mut model, &prefix),
                Step::RemoveAny(_) if model.is_empty() => {}
                Step::RemoveAny(which) => {
                    let prefix = which.get(&model.keys().cloned().collect::<Vec<_>>()).clone();
                    remove(&mut tree, &mut model, &prefix);
                }
            }
            tree.check();
            prop_assert_eq!(tree.len(), model.len());
        }
        for topic in topics.iter().chain(model.keys()) {
            prop_assert_eq!(tree.found(topic), naive(&model, topic));
            prop_assert_eq!(tree.matches(topic), !naive(&model, topic).is_empty());
        }
        let all: Model = tree.iter().map(|(prefix, count)| (prefix.to_vec(), *count)).collect();
        prop_assert_eq!(all, model);
    }

    #[test]
    fn places_stay_where_they_are(prefixes in prop::collection::btree_set(word(), 1..40)) {
        let mut tree = PrefixTree::<u32>::default();
        let places: Vec<_> =
            prefixes.iter().map(|prefix| (tree.insert(prefix).unwrap(), prefix)).collect();
        for (at, (id, prefix)) in places.iter().enumerate() {
            for (id, prefix) in places.iter().skip(at) {
                prop_assert_eq!(&**tree.key(*id).unwrap(), prefix.as_slice());
            }
            prop_assert!(tree.remove(*id).is_some());
            prop_assert_eq!(tree.find(prefix), None);
        }
        prop_assert_eq!(tree.nodes.len(), 1);
    }
}

// CVE-2021-20236: no recursion, however deep the prefixes are nested.
#[test]
fn a_deep_nest_is_no_danger() {
    const DEEP: usize = 4_000;
    let long = vec![b'a'; DEEP];
    let mut tree = PrefixTree::<u32>::default();
    for end in (0..=DEEP).rev() {
        tree.add_one(&long[..end]);
    }
    assert_eq!(tree.found(&long).len(), DEEP + 1);
    assert_eq!(tree.found(&long[..10]).len(), 11);
    let half = (0..=DEEP).step_by(2).map(|end| tree.find(&long[..end]).unwrap());
    for id in half.collect::<Vec<_>>() {
        tree.remove(id).unwrap();
    }
    tree.check();
    assert_eq!(tree.len(), DEEP / 2);
    drop(tree);
}

#[test]
fn splitting_a_long_label_copies_nothing() {
    let long = vec![b'a'; 1 << 20];
    let mut tree = PrefixTree::<u32>::default();
    tree.add_one(&long);
    let begin = std::time::Instant::now();
    for _ in 0..20_000 {
        let id = tree.insert(b"aa").unwrap();
        tree.remove(id).unwrap();
    }
    // 20,000 copies there and back would be 40 GB.
    assert!(begin.elapsed() < std::time::Duration::from_secs(2), "{:?}", begin.elapsed());
}

// PUBSUB-WIRE-13: what is gone is not kept by what stays.
#[test]
fn a_removed_prefix_leaves_no_memory_behind() {
    let mut tree = PrefixTree::<u32>::default();
    let mut ids = Vec::new();
    for tail in 0..=255 {
        ids.push(tree.insert(&[b"common".as_slice(), &[tail, 0, 0, 0]].concat()).unwrap());
        tree.insert(&[b"common".as_slice(), &[tail, 1]].concat()).unwrap();
    }
    let keys: Vec<_> = ids.iter().map(|id| Arc::downgrade(tree.key(*id).unwrap())).collect();
    for id in ids {
        tree.remove(id).unwrap();
        tree.check();
    }
    assert!(keys.iter().all(|key| key.upgrade().is_none()), "a removed prefix is still held");
}

#[test]
fn many_removed_nodes_are_given_back() {
    let mut tree = PrefixTree::<u32>::default();
    tree.insert(b"stays").unwrap();
    for _ in 0..3 {
        let ids = (0..50_000_u32).map(|n| tree.insert(&n.to_be_bytes()).unwrap());
        for id in ids.collect::<Vec<_>>() {
            tree.remove(id).unwrap();
        }
    }
    tree.check();
    assert!(tree.nodes.capacity() < 5_000, "{} nodes for one prefix", tree.nodes.capacity());
}
