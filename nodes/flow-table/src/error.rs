//! Why a change can't be made, by the names that OpenFlow has for it.

/// Why a change can't be made. Nothing has changed. It is printed as OpenFlow's name of the error (OpenFlow 1.5.1
/// section 7.5.4), as `ovs-ofctl` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// `check_overlap`, and a flow of the same priority matches some of the same frames.
    #[error("OFPFMFC_OVERLAP")]
    Overlap,
    /// The table has as many flows as it may have, and none of them may be evicted.
    #[error("OFPFMFC_TABLE_FULL")]
    TableFull,
    /// There is no such table.
    #[error("OFPBRC_BAD_TABLE_ID")]
    BadTable,
    /// The table is the switch's own.
    #[error("OFPBRC_EPERM")]
    Internal,
    /// `goto_table` leads back, or to where no table is.
    #[error("OFPBIC_BAD_TABLE_ID")]
    BadGoto,
    /// An action names a group that isn't there.
    #[error("OFPBAC_BAD_OUT_GROUP")]
    BadOutGroup,
    /// An action names a meter that isn't there, or the number is none of a meter.
    #[error("OFPMMFC_INVALID_METER")]
    InvalidMeter,
    /// There is a group of this number.
    #[error("OFPGMFC_GROUP_EXISTS")]
    GroupExists,
    /// There is no group of this number.
    #[error("OFPGMFC_UNKNOWN_GROUP")]
    UnknownGroup,
    /// The group can't be: its number, or its buckets for its type.
    #[error("OFPGMFC_INVALID_GROUP")]
    InvalidGroup,
    /// There are as many groups as there may be.
    #[error("OFPGMFC_OUT_OF_GROUPS")]
    OutOfGroups,
    /// The group has more buckets than it may have.
    #[error("OFPGMFC_OUT_OF_BUCKETS")]
    OutOfBuckets,
    /// The group would lead to itself.
    #[error("OFPGMFC_LOOP")]
    GroupLoop,
    /// The group has a bucket of this number.
    #[error("OFPGMFC_BUCKET_EXISTS")]
    BucketExists,
    /// The group has no bucket of this number.
    #[error("OFPGMFC_UNKNOWN_BUCKET")]
    UnknownBucket,
    /// There is a meter of this number.
    #[error("OFPMMFC_METER_EXISTS")]
    MeterExists,
    /// There is no meter of this number.
    #[error("OFPMMFC_UNKNOWN_METER")]
    UnknownMeter,
    /// There are as many meters as there may be.
    #[error("OFPMMFC_OUT_OF_METERS")]
    OutOfMeters,
    /// The meter has more bands than it may have.
    #[error("OFPMMFC_OUT_OF_BANDS")]
    OutOfBands,
    /// A band that can't be.
    #[error("OFPMMFC_BAD_BAND")]
    BadBand,
}

/// Why a bundle of changes can't be made. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {index}: {error}")]
pub struct BundleError {
    /// The first change that can't be made, from 0.
    pub index: usize,
    /// Why.
    pub error: TableError,
}
