//! Prefixes, and which of them a topic begins with.
//!
//! ```text
//!   "a" ─┬─ "bc" *        * holds a value: "abc", "abd/x", "abd/y"
//!        └─ "bd/" ─┬─ "x" *
//!                  └─ "y" *
//! ```
//!
//! A compact tree: a node per stored prefix and per place where two of them part. All nodes lie in
//! one vector and point at each other by number, so that nothing recurses, not even to be dropped
//! (CVE-2021-20236). Every operation takes time that grows with the octets of its prefix or topic
//! and not with the number of prefixes; a label is a piece of a whole prefix that is shared, so that
//! splitting and joining labels copies nothing, however long they are.

use std::sync::Arc;

/// Where a prefix is stored; good until that prefix is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

const ROOT: NodeId = NodeId(0);

/// Room for so many nodes is kept in any case.
const KEEP: usize = 1024;

/// A map from prefixes to values that finds all prefixes of a topic.
#[derive(Debug)]
pub(crate) struct PrefixTree<V> {
    nodes: Vec<Node<V>>,
    /// Nodes to use again; some of them may lie behind the end meanwhile.
    vacant: Vec<NodeId>,
    values: usize,
}

#[derive(Debug)]
struct Node<V> {
    /// A prefix that begins with the path to this node: its own if it has a value, else one of those
    /// below it. So no prefix is kept in memory after it was removed.
    key: Arc<[u8]>,
    /// The label is this piece of the key; its end is the length of the path.
    start: usize,
    end: usize,
    parent: NodeId,
    /// In the order of the first octets of their labels.
    children: Vec<(u8, NodeId)>,
    value: Option<V>,
}

impl<V> Node<V> {
    fn new(parent: NodeId, key: Arc<[u8]>, start: usize, end: usize) -> Self {
        Self { key, start, end, parent, children: Vec::new(), value: None }
    }

    fn label(&self) -> &[u8] {
        self.key.get(self.start..self.end).unwrap_or_default()
    }

    /// What stands behind the label in `rest`, which is known to begin with the same octet. Most
    /// labels have no other: then the key stays out of the cache.
    #[inline]
    fn below<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let rest = rest.get(1..)?;
        if self.end - self.start == 1 {
            return Some(rest);
        }
        rest.strip_prefix(self.key.get(self.start + 1..self.end)?)
    }

    fn is_vacant(&self) -> bool {
        self.value.is_none() && self.children.is_empty()
    }

    fn child(&self, first: u8) -> Option<NodeId> {
        let at = self.children.binary_search_by_key(&first, |child| child.0).ok()?;
        self.children.get(at).map(|child| child.1)
    }

    fn set_child(&mut self, first: u8, id: NodeId) {
        match self.children.binary_search_by_key(&first, |child| child.0) {
            Ok(at) => self.children.iter_mut().skip(at).take(1).for_each(|child| child.1 = id),
            Err(at) => self.children.insert(at, (first, id)),
        }
    }

    fn remove_child(&mut self, first: u8) {
        self.children.retain(|child| child.0 != first);
        if self.children.is_empty() {
            self.children = Vec::new();
        }
    }
}

impl<V> Default for PrefixTree<V> {
    fn default() -> Self {
        let root = Node::new(ROOT, Arc::default(), 0, 0);
        Self { nodes: vec![root], vacant: Vec::new(), values: 0 }
    }
}

impl<V> PrefixTree<V> {
    /// How many prefixes are stored.
    pub(crate) const fn len(&self) -> usize {
        self.values
    }

    /// All prefixes and their values, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.nodes.iter().filter_map(|node| Some((&*node.key, node.value.as_ref()?)))
    }

    /// The prefix stored here.
    pub(crate) fn key(&self, id: NodeId) -> Option<&Arc<[u8]>> {
        self.node(id).filter(|node| node.value.is_some()).map(|node| &node.key)
    }

    /// The value stored here.
    pub(crate) fn value_mut(&mut self, id: NodeId) -> Option<&mut V> {
        self.node_mut(id)?.value.as_mut()
    }

    /// Where a prefix is stored, if it is.
    pub(crate) fn find(&self, prefix: &[u8]) -> Option<NodeId> {
        let (id, node) = self.walk(prefix, |_| {});
        (node?.end == prefix.len() && self.key(id).is_some()).then_some(id)
    }

    /// Looks at the value of every prefix of `topic`, from the shortest on.
    #[inline]
    pub(crate) fn matching<'a>(&'a self, topic: &[u8], mut visit: impl FnMut(&'a V)) {
        self.walk(topic, |node| node.value.iter().for_each(&mut visit));
    }

    /// Whether any prefix of `topic` is stored.
    pub(crate) fn matches(&self, topic: &[u8]) -> bool {
        let mut any = false;
        self.matching(topic, |_| any = true);
        any
    }

    /// Follows `topic` down to the last node whose path it begins with.
    fn walk<'a>(
        &'a self,
        topic: &[u8],
        mut visit: impl FnMut(&'a Node<V>),
    ) -> (NodeId, Option<&'a Node<V>>) {
        let mut at = ROOT;
        let mut here = self.node(ROOT);
        let mut rest = topic;
        while let Some(node) = here {
            visit(node);
            let Some((id, child)) = rest.first().and_then(|first| self.child(node, *first)) else {
                break;
            };
            let Some(below) = child.below(rest) else { break };
            (at, here, rest) = (id, Some(child), below);
        }
        (at, here)
    }

    fn child(&self, node: &Node<V>, first: u8) -> Option<(NodeId, &Node<V>)> {
        let id = node.child(first)?;
        Some((id, self.node(id)?))
    }

    fn node(&self, id: NodeId) -> Option<&Node<V>> {
        self.nodes.get(id.0 as usize)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<V>> {
        self.nodes.get_mut(id.0 as usize)
    }
}

impl<V: Default> PrefixTree<V> {
    /// The place of a prefix; a default value is stored there if it is new. `None` only when there
    /// are billions of them.
    pub(crate) fn insert(&mut self, prefix: &[u8]) -> Option<NodeId> {
        let (mut at, node) = self.walk(prefix, |_| {});
        let depth = node?.end;
        let rest = prefix.get(depth..).unwrap_or_default();
        if let Some((id, child)) = rest.first().and_then(|first| self.child(node?, *first)) {
            // The topic leaves in the middle of a label: there is a new fork.
            let common = child.label().iter().zip(rest).take_while(|(a, b)| a == b).count();
            at = self.split(id, depth + common)?;
        }
        let depth = self.node(at)?.end;
        if let Some(first) = prefix.get(depth).copied() {
            let leaf = Node::new(at, prefix.into(), depth, prefix.len());
            let id = self.add(leaf)?;
            self.node_mut(at)?.set_child(first, id);
            at = id;
        }
        let node = self.node_mut(at)?;
        if node.value.is_none() {
            if node.key.len() != prefix.len() {
                node.key = prefix.into();
            }
            node.value = Some(V::default());
            self.values += 1;
        }
        Some(at)
    }

    /// Puts a node in the middle of the label of another, `end` octets from the root.
    fn split(&mut self, id: NodeId, end: usize) -> Option<NodeId> {
        let node = self.node(id)?;
        let mut fork = Node::new(node.parent, node.key.clone(), node.start, end);
        let (first, below) = (*node.key.get(node.start)?, *node.key.get(end)?);
        fork.set_child(below, id);
        let parent = node.parent;
        let fork = self.add(fork)?;
        self.node_mut(parent)?.set_child(first, fork);
        let node = self.node_mut(id)?;
        node.start = end;
        node.parent = fork;
        Some(fork)
    }

    fn add(&mut self, node: Node<V>) -> Option<NodeId> {
        while let Some(id) = self.vacant.pop() {
            if let Some(vacant) = self.node_mut(id) {
                *vacant = node;
                return Some(id);
            }
        }
        let id = NodeId(u32::try_from(self.nodes.len()).ok()?);
        self.nodes.push(node);
        Some(id)
    }
}

impl<V> PrefixTree<V> {
    /// Takes the prefix that is stored here out, with its value.
    pub(crate) fn remove(&mut self, id: NodeId) -> Option<V> {
        let node = self.node_mut(id)?;
        let value = node.value.take()?;
        let gone = node.key.clone();
        self.values -= 1;
        let lowest = self.tidy(id);
        self.disown(lowest, &gone);
        Some(value)
    }

    /// Takes a node that has no value out if it is no fork, and then its parent if that was a fork
    /// only because of it. Gives the lowest node that is left of them.
    fn tidy(&mut self, mut id: NodeId) -> NodeId {
        while let Some(node) = self.node(id).filter(|node| id != ROOT && node.value.is_none()) {
            let parent = node.parent;
            let first = node.label().first().copied().unwrap_or_default();
            match node.children.as_slice() {
                [] => {
                    if let Some(parent) = self.node_mut(parent) {
                        parent.remove_child(first);
                    }
                }
                &[(_, child)] => {
                    let start = node.start;
                    if let Some(child) = self.node_mut(child) {
                        child.start = start;
                        child.parent = parent;
                    }
                    if let Some(parent) = self.node_mut(parent) {
                        parent.set_child(first, child);
                    }
                }
                _ => return id,
            }
            self.vacate(id);
            id = parent;
        }
        id
    }

    /// Makes nobody on the way from here to the root need the key that is gone.
    fn disown(&mut self, from: NodeId, gone: &Arc<[u8]>) {
        let mut at = from;
        while let Some(node) = self.node(at).filter(|_| at != ROOT) {
            let parent = node.parent;
            if node.value.is_none() && Arc::ptr_eq(&node.key, gone) {
                let below = node.children.first().and_then(|child| self.node(child.1));
                let key = below.map(|below| below.key.clone());
                if let (Some(node), Some(key)) = (self.node_mut(at), key) {
                    node.key = key;
                }
            }
            at = parent;
        }
    }

    /// Frees a node, and memory at the end of the vector: no place that somebody knows moves.
    fn vacate(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            *node = Node::new(ROOT, Arc::default(), 0, 0);
            self.vacant.push(id);
        }
        while self.nodes.len() > 1 && self.nodes.last().is_some_and(Node::is_vacant) {
            self.nodes.pop();
        }
        let room = self.nodes.len() * 2 + KEEP;
        if self.nodes.capacity() > room * 2 {
            self.nodes.shrink_to(room);
        }
        if self.vacant.len() > room {
            let len = self.nodes.len();
            self.vacant.retain(|id| (id.0 as usize) < len);
            self.vacant.shrink_to(room);
        }
    }
}

#[cfg(test)]
mod tests;
