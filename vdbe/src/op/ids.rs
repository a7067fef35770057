//! The small numbers that operands are made of.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);
    };
}

id!(
    /// A register, from 1; 0 = none.
    Reg(u32)
);
id!(
    /// A jump target: an address, or a label while the program is being built.
    Addr(u32)
);
id!(
    /// A cursor number of this program.
    Cursor(u16)
);
id!(
    /// An attached database: 0 main, 1 temp, 2… attached.
    Db(u8)
);
id!(
    /// A constant of the pool, from 1; 0 = none.
    ConstId(u32)
);
id!(
    /// A key description of the link table, from 1; 0 = none (a rowid table).
    KeyInfoId(u16)
);
id!(
    /// A collation of the link table; 0 = BINARY.
    CollationId(u16)
);
id!(
    /// A function of the link table.
    FunctionId(u16)
);
id!(
    /// A list of integers of the pool, from 1; 0 = none.
    IntsId(u16)
);
id!(
    /// A string of affinity letters of the pool, from 1; 0 = none.
    AffinityId(u16)
);
id!(
    /// A tree (database, root page, kind) of the link table.
    TreeId(u16)
);
id!(
    /// A table (database and name, for hooks and messages) of the link table, from 1; 0 = none.
    TableId(u16)
);
id!(
    /// A virtual table of the link table.
    VtabId(u16)
);
id!(
    /// A subprogram (trigger body) of the program.
    SubprogramId(u16)
);

impl Reg {
    /// The register `offset` places further.
    pub const fn plus(self, offset: u32) -> Reg {
        Reg(self.0 + offset)
    }

    /// Whether this is a register at all.
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// Whether this is no register: [`Reg`] 0.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}
