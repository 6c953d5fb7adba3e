//! Counters.

/// What went through an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Frames that came in.
    pub rx_packets: u64,
    /// Their bytes, without FCS.
    pub rx_bytes: u64,
    /// Frames that came in and that this port refused.
    pub rx_dropped: u64,
    /// Frames that went out.
    pub tx_packets: u64,
    /// Their bytes, without FCS.
    pub tx_bytes: u64,
    /// Frames that should have gone out and that this port refused.
    pub tx_dropped: u64,
}

/// How a worker's frames found their program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// In a cache of whole keys.
    pub exact_hits: u64,
    /// In a cache of masked keys, of which the 64-bit word and the port alone are two.
    pub masked_hits: u64,
    /// By a translation.
    pub misses: u64,
}
