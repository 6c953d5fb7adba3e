//! Frames: 16-byte handles to pooled bytes.
//!
//! A [`Frame`] is a pointer to a slot, an offset and a length. [`Frame::share`] gives a second handle
//! to the same bytes for the price of a count, which is how a flood sends one frame out of many ports;
//! [`Frame::bytes_mut`] copies first if anybody else holds the bytes. Slots come in two sizes, lie in
//! chunks that are never given back before the pool's end, and go round a free list, so that no frame
//! allocates in steady state. Before a frame's bytes there are [`HEADROOM`] bytes into which a tag or a
//! tunnel's header is prepended without moving the rest.
//!
//! Handles know their pool, so dropping one returns the slot. Counts are not atomic: neither [`Pool`] nor
//! [`Frame`] is `Send`. A pool may go before its frames do; the last frame then frees the memory.
//!
//! This is the one file of the crate with `unsafe` in it. **Invariants**: a slot is on a free list or has
//! `refs >= 1` handles, never both; all its bytes are initialised from birth (chunks are allocated zeroed);
//! `offset + len <= capacity` for each handle; a `&mut` to the bytes is given only to the sole handle.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// Bytes kept free before a new frame, for headers that are prepended.
pub const HEADROOM: usize = 128;
/// The longest frame that a pool gives out, in bytes: a 64 KiB segment with its headers.
pub const MAX_LEN: usize = LARGE - HEADROOM;

/// Bytes of a small slot, headroom included.
const SMALL: usize = 2 << 10;
/// Bytes of a large slot, headroom included.
const LARGE: usize = 68 << 10;
/// Small slots of the first chunk; each further one has twice as many, up to the maximum.
const FIRST_CHUNK: usize = 16;
const MAX_CHUNK: usize = 1024;

/// Whose frame it is: 0 is nobody's. A mark that a check or console sets on frames it originates; copies and
/// answers keep it, no node decides by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// Nobody's.
    pub const NONE: Self = Self(0);
}

/// Work left undone on a frame: what a NIC with offloads would do as it sends it.
///
/// Positions count from the frame's first byte, as in a virtio-net header, and stay right when a header is
/// prepended or taken away in front of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// Where the transport checksum starts to sum; 0 if nothing is to be filled in.
    pub csum_start: u32,
    /// Where the sum goes, counted from `csum_start`.
    pub csum_offset: u16,
    /// Payload bytes of each segment of a super-frame; 0 if it is a plain frame.
    pub segment_size: u16,
    /// Bytes of headers that each segment repeats.
    pub header_len: u32,
}

/// The header in front of each slot's bytes: one cache line.
#[repr(C, align(64))]
struct Slot {
    /// The next free slot, while this one is free.
    next: Cell<Option<NonNull<Slot>>>,
    pool: NonNull<Inner>,
    /// Handles to this slot; 0 while it is free.
    refs: Cell<u32>,
    capacity: u32,
    tag: Cell<Tag>,
    /// Positions in it count from the slot's first byte.
    offload: Cell<Offload>,
}

/// What pool and slots share. Lives until the pool is gone and no slot is in use.
struct Inner {
    free_small: Cell<Option<NonNull<Slot>>>,
    free_large: Cell<Option<NonNull<Slot>>>,
    /// Slots in use.
    live: Cell<usize>,
    /// Whether the [`Pool`] still stands.
    owned: Cell<bool>,
    chunks: RefCell<Vec<(NonNull<u8>, Layout)>>,
}

/// Where frames come from.
pub struct Pool {
    inner: NonNull<Inner>,
    next_chunk: usize,
    _not_send: PhantomData<*mut ()>,
}

/// A handle to a frame's bytes.
pub struct Frame {
    slot: NonNull<Slot>,
    offset: u32,
    len: u32,
}

const SLOT_SIZE: usize = size_of::<Slot>();

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    /// An empty pool. It grows when frames are asked for.
    pub fn new() -> Self {
        let inner = Box::new(Inner {
            free_small: Cell::new(None),
            free_large: Cell::new(None),
            live: Cell::new(0),
            owned: Cell::new(true),
            chunks: RefCell::new(Vec::new()),
        });
        Self { inner: NonNull::from(Box::leak(inner)), next_chunk: FIRST_CHUNK, _not_send: PhantomData }
    }

    /// A frame of `len` zero bytes.
    ///
    /// # Panics
    /// If `len` is more than [`MAX_LEN`].
    pub fn zeroed(&mut self, len: usize) -> Frame {
        let mut frame = self.raw(len);
        frame.sole_bytes_mut().fill(0);
        frame
    }

    /// A frame with a copy of `bytes`.
    ///
    /// # Panics
    /// If `bytes` is longer than [`MAX_LEN`].
    #[inline]
    pub fn copied(&mut self, bytes: &[u8]) -> Frame {
        let mut frame = self.raw(bytes.len());
        frame.sole_bytes_mut().copy_from_slice(bytes);
        frame
    }

    /// How many slots frames hold now.
    pub fn live(&self) -> usize {
        self.inner().live.get()
    }

    /// Bytes of memory taken from the machine so far.
    pub fn footprint(&self) -> usize {
        self.inner().chunks.borrow().iter().map(|(_, layout)| layout.size()).sum()
    }

    fn inner(&self) -> &Inner {
        // SAFETY: `inner` was leaked from a box in `new`; it is freed by `Inner::retire` only, which runs after the
        // pool has given it up in `drop`.
        unsafe { self.inner.as_ref() }
    }

    /// A frame with some bytes or other, all of them initialised.
    #[inline]
    fn raw(&mut self, len: usize) -> Frame {
        assert!(len <= MAX_LEN, "a frame of {len} bytes is longer than the longest, {MAX_LEN}");
        let large = len > SMALL - HEADROOM;
        let inner = self.inner();
        let list = if large { &inner.free_large } else { &inner.free_small };
        let Some(slot) = list.get() else {
            self.grow(large);
            return self.raw(len);
        };
        // SAFETY: a slot on the free list lies in a chunk that is freed with `Inner` only, and `grow` initialised it.
        let header = unsafe { slot.as_ref() };
        list.set(header.next.get());
        header.refs.set(1);
        header.tag.set(Tag::NONE);
        header.offload.set(Offload::default());
        inner.live.set(inner.live.get() + 1);
        Frame { slot, offset: HEADROOM as u32, len: len as u32 }
    }

    /// Adds a chunk of slots to a free list.
    #[cold]
    fn grow(&mut self, large: bool) {
        let capacity = if large { LARGE } else { SMALL };
        let count = if large { 4 } else { self.next_chunk };
        let stride = SLOT_SIZE + capacity;
        let layout = Layout::from_size_align(stride * count, align_of::<Slot>())
            .expect("a chunk is a few MiB at most, far below isize::MAX");
        // SAFETY: the layout's size isn't zero.
        let Some(chunk) = NonNull::new(unsafe { alloc_zeroed(layout) }) else { handle_alloc_error(layout) };
        let inner = self.inner();
        inner.chunks.borrow_mut().push((chunk, layout));
        let list = if large { &inner.free_large } else { &inner.free_small };
        for i in (0..count).rev() {
            // SAFETY: `i * stride` lies inside the chunk, with room for a header and `capacity` bytes behind it. The
            // stride is a multiple of 64 and the chunk is aligned to 64, so the header is aligned.
            let slot = unsafe { chunk.add(i * stride) }.cast::<Slot>();
            let header = Slot {
                next: Cell::new(list.get()),
                pool: self.inner,
                refs: Cell::new(0),
                capacity: capacity as u32,
                tag: Cell::new(Tag::NONE),
                offload: Cell::new(Offload::default()),
            };
            // SAFETY: as above; nobody else knows this memory.
            unsafe { slot.write(header) };
            list.set(Some(slot));
        }
        if !large {
            self.next_chunk = (self.next_chunk * 2).min(MAX_CHUNK);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.inner().owned.set(false);
        if self.inner().live.get() == 0 {
            // SAFETY: the pool is going and no slot is in use, so nobody can reach `inner` after this.
            unsafe { Inner::retire(self.inner) };
        }
    }
}

impl Inner {
    /// Frees the chunks and the value itself.
    ///
    /// # Safety
    /// No pool and no frame may use `this` afterwards.
    #[cold]
    unsafe fn retire(this: NonNull<Self>) {
        // SAFETY: `this` was leaked from a box in `Pool::new`, and the caller vouches that it is used no more.
        let inner = unsafe { Box::from_raw(this.as_ptr()) };
        for (chunk, layout) in inner.chunks.borrow_mut().drain(..) {
            // SAFETY: `grow` allocated it with this layout, and no slot in it is in use.
            unsafe { dealloc(chunk.as_ptr(), layout) };
        }
    }
}

impl Frame {
    #[inline]
    fn header(&self) -> &Slot {
        // SAFETY: this handle counts in the slot's `refs`, so the slot is not free and its chunk is alive.
        unsafe { self.slot.as_ref() }
    }

    /// The first of the frame's bytes.
    #[inline]
    fn start(&self) -> *mut u8 {
        // SAFETY: the slot's bytes follow its header in the same chunk, and `offset <= capacity`. The pointer comes
        // from the chunk's own, so it may reach all of it.
        unsafe { self.slot.cast::<u8>().as_ptr().add(SLOT_SIZE + self.offset as usize) }
    }

    /// The frame's bytes, from the Ethernet header on, without FCS.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `offset + len <= capacity`, all bytes are initialised, and nobody holds a `&mut` to them: that
        // would be the sole handle's, and is borrowed from it.
        unsafe { std::slice::from_raw_parts(self.start(), self.len as usize) }
    }

    /// The bytes of a handle that is known to be the only one.
    #[inline]
    fn sole_bytes_mut(&mut self) -> &mut [u8] {
        debug_assert_eq!(self.header().refs.get(), 1);
        // SAFETY: as in `bytes`; the callers made sure that this is the only handle, and `&mut self` that it is
        // used by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len as usize) }
    }

    /// The frame's bytes to write to; copies them first if others share them.
    #[inline]
    pub fn bytes_mut(&mut self, pool: &mut Pool) -> &mut [u8] {
        if self.is_shared() {
            self.unshare(pool);
        }
        self.sole_bytes_mut()
    }

    /// The number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether another handle has the same bytes.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.header().refs.get() > 1
    }

    /// Another handle to the same bytes.
    ///
    /// # Panics
    /// At 2³² - 1 handles.
    #[inline]
    pub fn share(&self) -> Self {
        let refs = &self.header().refs;
        refs.set(refs.get().checked_add(1).expect("a lab holds at most a million frames, far below 2^32 handles"));
        Self { slot: self.slot, offset: self.offset, len: self.len }
    }

    /// Adds `n` bytes in front and gives the whole frame to write to. The new bytes hold some old value: write
    /// them. Uses the headroom if it suffices and nobody shares the frame, else copies.
    ///
    /// # Panics
    /// If the frame would become longer than [`MAX_LEN`].
    #[inline]
    pub fn prepend(&mut self, pool: &mut Pool, n: usize) -> &mut [u8] {
        if self.is_shared() || n > self.offset as usize {
            let mut longer = pool.raw(self.len() + n);
            longer.sole_bytes_mut()[n..].copy_from_slice(self.bytes());
            let offload = self.offload();
            longer.set_tag(self.tag());
            longer.set_offload(shifted(offload, n as i64));
            *self = longer;
        } else {
            self.offset -= n as u32;
            self.len += n as u32;
        }
        self.sole_bytes_mut()
    }

    /// Takes the first `n` bytes away; all of them if there are fewer.
    #[inline]
    pub fn trim_front(&mut self, n: usize) {
        let n = n.min(self.len()) as u32;
        self.offset += n;
        self.len -= n;
    }

    /// Shortens the frame to `len` bytes; no effect if it is that short.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len as u32);
    }

    /// Whose frame it is.
    #[inline]
    pub fn tag(&self) -> Tag {
        self.header().tag.get()
    }

    /// Marks the frame, for all handles to it.
    #[inline]
    pub fn set_tag(&mut self, tag: Tag) {
        self.header().tag.set(tag);
    }

    /// Whether it is a super-frame, to be cut into segments.
    #[inline]
    pub fn is_segmented(&self) -> bool {
        self.header().offload.get().segment_size != 0
    }

    /// What is left undone on it.
    #[inline]
    pub fn offload(&self) -> Offload {
        let offload = self.header().offload.get();
        if offload == Offload::default() { offload } else { shifted(offload, -i64::from(self.offset)) }
    }

    /// States what is left undone on it, for all handles to it.
    pub fn set_offload(&mut self, offload: Offload) {
        self.header().offload.set(shifted(offload, i64::from(self.offset)));
    }

    /// Gives this handle a copy of its own.
    #[cold]
    fn unshare(&mut self, pool: &mut Pool) {
        let mut copy = pool.copied(self.bytes());
        copy.set_tag(self.tag());
        copy.set_offload(self.offload());
        *self = copy;
    }
}

/// The same with its positions moved by `by` bytes.
fn shifted(offload: Offload, by: i64) -> Offload {
    let moved = |position: u32| if position == 0 { 0 } else { (i64::from(position) + by).max(0) as u32 };
    Offload { csum_start: moved(offload.csum_start), header_len: moved(offload.header_len), ..offload }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        let header = self.header();
        let refs = header.refs.get() - 1;
        header.refs.set(refs);
        if refs > 0 {
            return;
        }
        let pool = header.pool;
        // SAFETY: this slot was in use until now, so `Inner` is alive.
        let inner = unsafe { pool.as_ref() };
        let list = if header.capacity as usize == SMALL { &inner.free_small } else { &inner.free_large };
        header.next.set(list.get());
        list.set(Some(self.slot));
        let live = inner.live.get() - 1;
        inner.live.set(live);
        if live == 0 && !inner.owned.get() {
            // SAFETY: the pool is gone, and this was the last slot in use.
            unsafe { Inner::retire(pool) };
        }
    }
}

impl Deref for Frame {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.len)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} live, {} bytes)", self.live(), self.footprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    #[test]
    fn a_handle_is_16_bytes_and_a_slot_header_one_cache_line() {
        assert_eq!(size_of::<Frame>(), 16);
        assert_eq!(size_of::<Option<Frame>>(), 16);
        assert_eq!(SLOT_SIZE, 64);
    }

    #[test]
    fn writing_to_a_shared_frame_leaves_the_other_as_it_was() {
        let mut pool = Pool::new();
        let first = pool.copied(b"hello");
        let mut second = first.share();
        second.bytes_mut(&mut pool)[0] = b'j';
        assert_eq!((first.bytes(), second.bytes()), (&b"hello"[..], &b"jello"[..]));
        assert_eq!(pool.live(), 2);
    }

    #[test]
    fn a_sole_frame_is_written_in_place_and_its_slot_used_again() {
        let mut pool = Pool::new();
        let mut frame = pool.copied(&[1; 60]);
        let before = frame.bytes().as_ptr();
        frame.prepend(&mut pool, 4)[..4].fill(9);
        frame.trim_front(4);
        assert_eq!(frame.bytes_mut(&mut pool).as_ptr(), before);
        drop(frame);
        assert_eq!(pool.zeroed(60).bytes().as_ptr(), before);
        assert_eq!(pool.live(), 0);
    }

    #[test]
    fn a_new_frame_shows_nothing_of_an_old_one() {
        let mut pool = Pool::new();
        drop(pool.copied(&[0xff; 100]));
        assert!(pool.zeroed(100).iter().all(|&b| b == 0));
    }

    #[test]
    fn tag_and_offload_follow_the_bytes_through_copies_and_headers() {
        let mut pool = Pool::new();
        let mut frame = pool.copied(&[0; 100]);
        frame.set_tag(Tag(7));
        frame.set_offload(Offload { csum_start: 34, csum_offset: 6, segment_size: 40, header_len: 54 });
        let mut other = frame.share();
        other.prepend(&mut pool, 4);
        assert_eq!(other.tag(), Tag(7));
        assert_eq!(other.offload(), Offload { csum_start: 38, csum_offset: 6, segment_size: 40, header_len: 58 });
        drop(frame);
        other.trim_front(4);
        assert_eq!(other.offload().csum_start, 34);
    }

    #[test]
    fn frames_outlive_their_pool() {
        let mut pool = Pool::new();
        let frames: Vec<Frame> = [10, 3000, 60].map(|n| pool.zeroed(n)).into();
        drop(pool);
        assert_eq!(frames.iter().map(Frame::len).sum::<usize>(), 3070);
    }

    #[test]
    #[should_panic(expected = "longer than the longest")]
    fn a_frame_longer_than_the_longest_is_refused() {
        Pool::new().zeroed(MAX_LEN + 1);
    }

    /// What a test does to one of its frames.
    #[derive(Clone, Debug)]
    enum Op {
        New(Vec<u8>),
        Share(usize),
        Write(usize, u8),
        Prepend(usize, usize),
        TrimFront(usize, usize),
        Truncate(usize, usize),
        Free(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200).prop_map(Op::New),
            prop::collection::vec(any::<u8>(), 1900..2100).prop_map(Op::New),
            any::<usize>().prop_map(Op::Share),
            (any::<usize>(), any::<u8>()).prop_map(|(i, b)| Op::Write(i, b)),
            (any::<usize>(), 0_usize..200).prop_map(|(i, n)| Op::Prepend(i, n)),
            (any::<usize>(), 0_usize..100).prop_map(|(i, n)| Op::TrimFront(i, n)),
            (any::<usize>(), 0_usize..300).prop_map(|(i, n)| Op::Truncate(i, n)),
            any::<usize>().prop_map(Op::Free),
        ]
    }

    proptest! {
        /// The naive twin of a frame is a `Vec<u8>`.
        #[test]
        fn frames_behave_as_vectors_of_bytes(ops in prop::collection::vec(op(), 1..80)) {
            let mut pool = Pool::new();
            let mut frames: Vec<(Frame, Vec<u8>)> = Vec::new();
            for op in ops {
                let pick = |i: usize| i % frames.len().max(1);
                match op {
                    Op::New(bytes) => frames.push((pool.copied(&bytes), bytes)),
                    _ if frames.is_empty() => {}
                    Op::Share(i) => {
                        let (frame, twin) = &frames[pick(i)];
                        let pair = (frame.share(), twin.clone());
                        frames.push(pair);
                    }
                    Op::Write(i, byte) => {
                        let i = pick(i);
                        frames[i].0.bytes_mut(&mut pool).fill(byte);
                        frames[i].1.fill(byte);
                    }
                    Op::Prepend(i, n) => {
                        let i = pick(i);
                        frames[i].0.prepend(&mut pool, n)[..n].fill(0xee);
                        frames[i].1.splice(0..0, vec![0xee; n]);
                    }
                    Op::TrimFront(i, n) => {
                        let i = pick(i);
                        frames[i].0.trim_front(n);
                        let n = n.min(frames[i].1.len());
                        frames[i].1.drain(..n);
                    }
                    Op::Truncate(i, n) => {
                        let i = pick(i);
                        frames[i].0.truncate(n);
                        frames[i].1.truncate(n);
                    }
                    Op::Free(i) => drop(frames.swap_remove(pick(i))),
                }
                for (frame, twin) in &frames {
                    assert_eq!(frame.bytes(), &twin[..]);
                }
            }
            frames.clear();
            assert_eq!(pool.live(), 0);
        }
    }
}
