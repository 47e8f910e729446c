//! How to map: `ACCESS_*`, or what `flags` and `prot` mean.

/// What a mapping's methods may do, and where its changes go. The numbers are CPython's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Access {
    /// Read and write. It is the default, and the access for `flags` and `prot` that read and
    /// write.
    Default = 0,
    /// Read only.
    Read = 1,
    /// Read, and write through to the file.
    Write = 2,
    /// Read, and write private changes.
    Copy = 3,
}

/// How to map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What the mapping reports as its access. It decides whether methods may write.
    pub access: Access,
    /// Changes stay private to this mapping (`ACCESS_COPY` or `MAP_PRIVATE`).
    pub private: bool,
    /// `MAP_SHARED` was requested. Without it, a mapping that only reads is private.
    pub shared: bool,
    /// `PROT_EXEC` was requested.
    pub executable: bool,
    /// All pages are brought in when the file is mapped (`MAP_POPULATE`).
    pub populate: bool,
    /// Flags for the operating system that no other field expresses.
    pub other_flags: i32,
}

impl Plan {
    /// The plan for one of the four `ACCESS_*`.
    pub fn from_access(access: Access) -> Plan {
        Plan {
            access,
            private: access == Access::Copy,
            shared: false,
            executable: false,
            populate: false,
            other_flags: 0,
        }
    }

    /// Whether methods may write.
    pub fn writable(&self) -> bool {
        self.access != Access::Read
    }

    /// Whether writes reach the file, or what else is mapped.
    pub fn writes_through(&self) -> bool {
        self.writable() && !self.private
    }
}
