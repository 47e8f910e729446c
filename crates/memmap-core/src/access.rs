//! ACCESS_*, or flags and prot: what to ask the operating system for.

/// What a mapping's methods may do, and where its changes go. The numbers are CPython's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Access {
    /// Read and write, by default or by `flags` and `prot`.
    Default = 0,
    /// Read only.
    Read = 1,
    /// Read and write through to the file.
    Write = 2,
    /// Read and write, changes stay private.
    Copy = 3,
}

/// How to map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What the mapping says of itself, and whether its methods write.
    pub access: Access,
    /// Changes stay in this mapping: `ACCESS_COPY` or `MAP_PRIVATE`.
    pub private: bool,
    /// `MAP_SHARED` was asked for. What only reads is private otherwise.
    pub shared: bool,
    /// `PROT_EXEC` was asked for.
    pub executable: bool,
    /// Bring the pages in now (`MAP_POPULATE`).
    pub populate: bool,
    /// Flags for the operating system beyond those that the other fields say.
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

    /// Whether writes reach what is mapped.
    pub fn writes_through(&self) -> bool {
        self.writable() && !self.private
    }
}
