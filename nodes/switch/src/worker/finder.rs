//! From a frame to its entry: lookups, and what follows where they find nothing or what may no longer hold.

use super::context::Context;
use super::effects;
use crate::cache::{Basis, Cache, Entry, EntryIx, Lookup, Rest, Shape, WireKey};
use crate::plan::Gate;
use crate::program::Op;
use crate::shared::Shared;
use crate::translate::{Translation, Unobserved, World, translate};
use crate::usual;
use flow_table::Change;
use packet::FlowKey;
use packet::key::slot;
use sim_core::{Duration, Frame, Time};
use std::sync::Arc;

/// How long effects of an entry rest while frames find it. (Open vSwitch carries them out when it pushes counters.)
const EFFECTS_REST: Duration = Duration::from_millis(500);

/// Finds the entries of frames that come in by one port.
pub(super) struct Finder<'a> {
    pub(super) context: &'a mut Context,
    pub(super) cache: &'a mut Cache,
    pub(super) sw: &'a Shared,
    pub(super) now: Time,
    pub(super) slot: u16,
}

/// Frames that follow each other and have the same entry.
#[derive(Default)]
struct Run {
    entry: Option<EntryIx>,
    /// All that must be read of them, if that is in the first word.
    word: Option<u64>,
    stamp: u64,
    packets: u64,
    bytes: u64,
}

/// What an entry was that another one takes the place of.
struct Former {
    shape: Arc<Shape>,
    since: Time,
    packets: u64,
    bytes: u64,
    first_size: u64,
}

impl Finder<'_> {
    /// The entries of frames, which are counted. Frames that follow each other mostly have the same: one that has the
    /// first word of the one before it, where no more is asked for, needs no lookup.
    ///
    /// Gives the entry if all have the same.
    pub(super) fn find_all(&mut self, frames: &[Frame], found: &mut Vec<Option<EntryIx>>) -> Option<EntryIx> {
        found.clear();
        let mut runs = 0;
        let mut run = Run::default();
        for frame in frames {
            let word = self.word(frame);
            let is_next = run.entry.is_some() && word.is_some() && (word, self.context.stamp) == (run.word, run.stamp);
            if !is_next {
                self.count(&run);
                runs += 1;
                let entry = self.find(frame, word);
                let word = word.filter(|_| self.word(frame) == word);
                // What it has learnt may concern it.
                let stamp = entry.map_or(0, |at| self.cache.entries[at as usize].stamp);
                run = Run { entry, word, stamp, packets: 0, bytes: 0 };
            }
            run.packets += 1;
            run.bytes += frame.len() as u64;
            found.push(run.entry);
        }
        self.count(&run);
        run.entry.filter(|_| runs == 1)
    }

    /// What must be read of a frame, if that is in the first word of its key.
    #[inline]
    fn word(&self, frame: &[u8]) -> Option<u64> {
        let Lookup::Word(wanted) = self.context.ports[usize::from(self.slot)].rx.lookup else { return None };
        Some(FlowKey::extract_word0(self.ofport(), frame, wanted) & (wanted | IN_PORT))
    }

    #[inline]
    fn count(&mut self, run: &Run) {
        if let Some(at) = run.entry {
            self.cache.stats.masked_hits += run.packets - 1;
            self.cache.count(at, run.packets, run.bytes, self.now);
        }
    }

    /// The entry of a frame; `None` if the port is closed. `word` is of the frame.
    #[inline]
    fn find(&mut self, frame: &[u8], word: Option<u64>) -> Option<EntryIx> {
        let at = match (self.context.ports[usize::from(self.slot)].rx.lookup, word) {
            (Lookup::Word(wanted), Some(word)) => self.find_word(frame, wanted, word),
            (Lookup::Word(_) | Lookup::Key, _) => self.search(frame),
            (Lookup::Closed, _) => return None,
            (Lookup::Unknown | Lookup::Fixed(_) | Lookup::Normal { .. }, _) => self.settle(frame)?,
        };
        if self.cache.entries[at as usize].effects_at <= self.now {
            self.repeat_effects(at);
        }
        Some(at)
    }

    /// The entry of a frame of which these bits of the first word are all that must be read.
    #[inline]
    fn find_word(&mut self, frame: &[u8], wanted: u64, word: u64) -> EntryIx {
        let stamp = self.context.stamp;
        let holds = |&(at, id): &(EntryIx, u64)| {
            let entry = &self.cache.entries[at as usize];
            entry.id == id && entry.stamp == stamp && !entry.is_dead && entry.bridge == self.sw.id()
        };
        if let Some((at, _)) = self.cache.words.find(self.sw.id(), word).filter(holds) {
            self.cache.stats.masked_hits += 1;
            return at;
        }
        let at = self.search(frame);
        // A new entry may ask for bits that the word at hand was read without.
        let lookup = self.context.ports[usize::from(self.slot)].rx.lookup;
        if matches!(lookup, Lookup::Word(now) if now & !wanted == 0) {
            let id = self.cache.entries[at as usize].id;
            self.cache.words.insert(self.sw.id(), word, at, id);
        }
        at
    }

    /// The entry of all frames of the port, if there is one that is no plain NORMAL. It counts these.
    #[inline]
    pub(super) fn whole(&mut self, packets: u64, bytes: u64) -> Option<EntryIx> {
        let Lookup::Fixed(at) = self.context.ports[usize::from(self.slot)].rx.lookup else { return None };
        if !self.holds(at) {
            return None;
        }
        self.cache.stats.masked_hits += packets;
        self.cache.count(at, packets, bytes, self.now);
        if self.cache.entries[at as usize].effects_at <= self.now {
            self.repeat_effects(at);
        }
        Some(at)
    }

    /// The entry of a frame whose port has one for all, or didn't know how much to read; `None` if the port is closed.
    #[cold]
    fn settle(&mut self, frame: &[u8]) -> Option<EntryIx> {
        let place = usize::from(self.slot);
        match self.context.ports[place].rx.lookup {
            Lookup::Fixed(at) | Lookup::Normal { entry: at, .. } => {
                if !self.holds(at) {
                    let former = self.take(at);
                    return Some(self.miss(frame, Some(former)));
                }
                if let Lookup::Normal { stamp, .. } = &mut self.context.ports[place].rx.lookup {
                    *stamp = self.context.stamp;
                }
                self.cache.stats.masked_hits += 1;
                Some(at)
            }
            _ if self.context.plan.ports[place].gate != Gate::Open => {
                self.context.ports[place].rx.lookup = Lookup::Closed;
                None
            }
            _ => {
                let lookup = self.context.classes[place].lookup();
                self.context.ports[place].rx.lookup = lookup;
                Some(if matches!(lookup, Lookup::Unknown) { self.miss(frame, None) } else { self.search(frame) })
            }
        }
    }

    /// Translates each frame, whatever is remembered, and remembers nothing.
    pub(super) fn translate_all(&mut self, frames: &[Frame], found: &mut Vec<Option<EntryIx>>) {
        found.clear();
        for frame in frames {
            if self.context.plan.ports[usize::from(self.slot)].gate != Gate::Open {
                found.push(None);
                continue;
            }
            self.cache.stats.misses += 1;
            self.context.misses += 1;
            let entry = self.translate(frame);
            let at = self.cache.add(entry);
            self.carry_out(at);
            self.cache.count(at, 1, frame.len() as u64, self.now);
            self.cache.bury(at);
            found.push(Some(at));
        }
    }

    /// Looks among the entries that ask for something of the frame.
    #[inline]
    fn search(&mut self, frame: &[u8]) -> EntryIx {
        let (place, stamp) = (usize::from(self.slot), self.context.stamp);
        let class = &mut self.context.classes[place];
        let key = &mut self.cache.key;
        FlowKey::extract_words(u32::from(self.context.plan.ports[place].ofport), frame, class.used(), key);
        let key: WireKey = *key.words().first_chunk().expect("a key has the wire's words and more");
        let front = &mut self.cache.front;
        let hash = if front.is_on() { class.union().hash(&key) } else { 0 };
        if front.is_on()
            && let Some(at) = front.find(hash)
            && let Some(entry) = self.cache.entries.get(at as usize)
            && entry.stamp == stamp
            && (entry.bridge, entry.slot, entry.is_dead) == (self.sw.id(), self.slot, false)
            && entry.rest.shape.has(&key, &entry.rest.words)
        {
            front.hit();
            self.cache.stats.exact_hits += 1;
            return at;
        }
        match class.find(&key) {
            Some((at, probes)) if self.cache.entries[at as usize].stamp == stamp => {
                front.searched(probes);
                if front.is_on() {
                    front.insert(hash, at);
                }
                self.cache.stats.masked_hits += 1;
                at
            }
            found => self.search_on(frame, &key, found.map(|(at, _)| at)),
        }
    }

    /// Goes on with an entry that may not hold, if there is one.
    #[cold]
    fn search_on(&mut self, frame: &[u8], key: &WireKey, mut found: Option<EntryIx>) -> EntryIx {
        let mut former = None;
        while let Some(at) = found {
            if self.holds(at) {
                self.cache.stats.masked_hits += 1;
                return at;
            }
            former = Some(self.take(at));
            found = self.context.classes[usize::from(self.slot)].find(key).map(|(at, _)| at);
        }
        self.miss(frame, former)
    }

    /// Whether an entry still holds: nothing that changed since it was last known to concerns it.
    #[inline]
    pub(super) fn holds(&mut self, at: EntryIx) -> bool {
        self.cache.entries[at as usize].stamp == self.context.stamp || self.compare(at)
    }

    /// Compares an entry with what has changed.
    #[cold]
    fn compare(&mut self, at: EntryIx) -> bool {
        let entry = &mut self.cache.entries[at as usize];
        let rest = &mut entry.rest;
        if rest.follows_links && rest.links != self.context.links {
            return false;
        }
        let tables = self.sw.tables();
        let log = tables.log();
        // An entry that the log no longer reaches back to is translated again.
        let is_same = log.since(rest.changes).is_some_and(|mut new| !new.any(|one| rest.basis.is_touched_by(one)));
        let is_undone = |change: &Change| rest.effects.iter().any(|effect| effect.is_undone_by(change));
        let is_same = is_same
            && (rest.effects.is_empty() || log.since(rest.effective).is_some_and(|mut new| !new.any(is_undone)));
        if is_same {
            (rest.changes, rest.effective, entry.stamp) = (log.count(), log.count(), self.context.stamp);
        }
        is_same
    }

    fn take(&mut self, at: EntryIx) -> Former {
        self.context.remove(self.cache, at);
        let Rest { shape, since, packets, bytes, first_size, .. } = &*self.cache.entries[at as usize].rest;
        let shape = Arc::clone(shape);
        Former { shape, since: *since, packets: *packets, bytes: *bytes, first_size: *first_size }
    }

    /// Translates a frame and remembers it.
    #[cold]
    fn miss(&mut self, frame: &[u8], former: Option<Former>) -> EntryIx {
        self.cache.stats.misses += 1;
        self.context.misses += 1;
        let entry = self.translate(frame);
        let is_normal = self.is_usual(&entry);
        let at = self.cache.add(entry);
        let place = usize::from(self.slot);
        let port = &mut self.context.ports[place];
        let rest = &mut self.cache.entries[at as usize].rest;
        if let Some(former) = former.filter(|former| former.shape == rest.shape) {
            (rest.since, rest.first_size) = (former.since, former.first_size);
            (rest.packets, rest.bytes) = (former.packets, former.bytes);
        }
        if rest.shape.len() == 0 {
            rest.seen = port.rx.count;
            let stamp = self.context.stamp;
            port.rx.lookup = if is_normal { Lookup::Normal { entry: at, stamp } } else { Lookup::Fixed(at) };
        } else {
            let class = &mut self.context.classes[place];
            let shape = std::mem::take(&mut rest.shape);
            rest.shape = class.insert(shape, &rest.words, at);
            port.rx.lookup = class.lookup();
        }
        self.carry_out(at);
        at
    }

    /// Translates a frame. The entry is one that nothing finds yet.
    fn translate(&self, frame: &[u8]) -> Entry {
        let Self { context, sw, .. } = self;
        let key = FlowKey::extract(self.ofport(), frame);
        let tables = sw.tables();
        let world = World { tables: &tables, plan: &context.plan, macs: None };
        let Translation { program, mask, lookups, groups, meters, effects, follows_links, .. } =
            translate(world, self.slot, &key, &mut Unobserved);
        let shape = Shape::new(&mask);
        let rest = Rest {
            words: shape.words(&key),
            shape: Arc::new(shape),
            basis: Basis::new(&key, &mask, &lookups, &groups, &meters),
            follows_links,
            changes: tables.log().count(),
            links: context.links,
            since: self.now,
            first_size: frame.len() as u64,
            effects,
            ..Rest::default()
        };
        let effects_at = if rest.effects.is_empty() { Time::NEVER } else { self.now + EFFECTS_REST };
        Entry {
            stamp: context.stamp,
            id: 0,
            bridge: sw.id(),
            slot: self.slot,
            is_dead: false,
            effects_at,
            program,
            rest: Box::new(rest),
        }
    }

    /// Whether all that an entry does is what the port's usual frames need no entry for.
    fn is_usual(&self, entry: &Entry) -> bool {
        let Entry { program, rest, .. } = entry;
        let port = &self.context.plan.ports[usize::from(self.slot)];
        let is_plain = rest.shape.len() == 0 && rest.effects.is_empty() && rest.basis.meters().is_empty();
        is_plain && program.only() == Some(Op::Normal) && usual::is_possible(&self.context.plan, port)
    }

    /// Carries out the effects of an entry again.
    #[cold]
    fn repeat_effects(&mut self, at: EntryIx) {
        self.cache.entries[at as usize].effects_at = self.now + EFFECTS_REST;
        self.carry_out(at);
    }

    /// Carries out the effects of an entry.
    fn carry_out(&mut self, at: EntryIx) {
        let effects = std::mem::take(&mut self.cache.entries[at as usize].rest.effects);
        if effects.is_empty() {
            return;
        }
        effects.iter().for_each(|effect| effects::carry_out(self.sw, self.now, effect));
        let rest = &mut self.cache.entries[at as usize].rest;
        (rest.effects, rest.effective) = (effects, self.sw.tables().log().count());
        if self.context.version != self.sw.version() {
            self.context.reload(self.sw, self.cache);
        }
    }

    fn ofport(&self) -> u32 {
        u32::from(self.context.plan.ports[usize::from(self.slot)].ofport)
    }
}

const IN_PORT: u64 = (slot::IN_PORT.max() as u64) << slot::IN_PORT.shift;
