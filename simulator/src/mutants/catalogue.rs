//! Which runs each planted bug is exposed to: those in which what it breaks happens often.
//!
//! A bug that only some orders of effects show gets short runs in which the power is cut at every moment; one that only meetings of
//! processes show, several clients in one mode; the others, whatever chance makes of a profile.
//!
//! Never: a seed. A bug that only one seed finds is not found.

use kernite_io::planted::Bug;

use super::Diet;
use crate::engine::Which;
use crate::profile::Settings;
use crate::workload::NAMES;
use crate::world::{Rates, Strategy};

const PLAIN: Diet =
    Diet { profile: "default", exhaustive: false, rules: false, independence: false, tune: |_| {} };

/// Short runs of one client, with the power cut everywhere.
fn short(settings: &mut Settings) {
    settings.transactions = 6;
    settings.epochs = 1;
    settings.synchronous = "FULL";
    settings.clients.truncate(1);
    settings.rates.kill = 0;
    settings.rates.power_cut = 0;
}

/// Pages that do not fit the cache.
fn crowded(settings: &mut Settings) {
    settings.cache_size = 10;
    settings.page_size = 512;
    if !matches!(settings.workload, "blobs" | "mixture") {
        settings.workload = "keys";
    }
}

/// Kernite alone, three clients or more.
fn crowd(settings: &mut Settings) {
    settings.clients = vec![Which::Kernite; settings.clients.len().max(3)];
    if settings.rates.switch < 20_000 {
        settings.rates.switch = 100_000;
    }
}

fn die_often(settings: &mut Settings) {
    settings.rates.kill = settings.rates.kill.max(1_000);
}

fn lose_power_often(settings: &mut Settings) {
    settings.rates.power_cut = settings.rates.power_cut.max(600);
    settings.epochs = 3;
}

const CUT_DELETE: Diet = Diet {
    profile: "crash",
    exhaustive: true,
    tune: |settings| {
        short(settings);
        settings.journal_mode = "delete";
    },
    ..PLAIN
};
const CUT_EXTRA: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.journal_mode = "delete";
        settings.synchronous = "EXTRA";
    },
    ..CUT_DELETE
};
const CUT_PERSIST: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.journal_mode = "persist";
    },
    ..CUT_DELETE
};
const CUT_TRUNCATE: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.journal_mode = "truncate";
    },
    ..CUT_DELETE
};
const CUT_CROWDED_PERSIST: Diet = Diet {
    tune: |settings| {
        short(settings);
        crowded(settings);
        settings.journal_mode = "persist";
    },
    ..CUT_DELETE
};
const CUT_SMALL_PAGES: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.page_size = 512;
        settings.journal_mode = "delete";
    },
    ..CUT_DELETE
};
const CUT_WAL: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.journal_mode = "wal";
        settings.checkpoint = settings.checkpoint.min(20);
    },
    ..CUT_DELETE
};
const CUT_WAL_NORMAL: Diet = Diet {
    tune: |settings| {
        short(settings);
        settings.journal_mode = "wal";
        settings.synchronous = "NORMAL";
        settings.checkpoint = 3;
    },
    ..CUT_DELETE
};

const DIE_IN_FLIGHT: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        settings.rates.kill = 5_000;
        settings.rates.late = 1_000_000;
        settings.journal_mode = "wal";
        settings.workload = if settings.cache_size > 30 { "blobs" } else { "keys" };
        settings.page_size = settings.page_size.min(1024);
    },
    ..PLAIN
};
const SHRINKING: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        settings.rates.kill = 4_000;
        settings.auto_vacuum = 1;
        settings.page_size = 512;
        settings.workload = "blobs";
        settings.transactions = 25;
        if settings.journal_mode == "wal" {
            settings.journal_mode = "delete";
        }
    },
    ..PLAIN
};
const DIE_WITH_BLOBS: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        settings.rates.kill = 2_000;
        settings.cache_size = 10;
        settings.page_size = 512;
        settings.workload = "blobs";
        settings.transactions = 25;
        if settings.journal_mode == "wal" {
            settings.journal_mode = "truncate";
        }
    },
    ..PLAIN
};
const LOSE_POWER_ROLLBACK: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        lose_power_often(settings);
        die_often(settings);
        if settings.journal_mode == "wal" {
            settings.journal_mode = "delete";
        }
    },
    ..PLAIN
};
const LOSE_POWER_WAL: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        lose_power_often(settings);
        settings.journal_mode = "wal";
        settings.checkpoint = settings.checkpoint.min(20);
    },
    ..PLAIN
};
const LOSE_POWER_OVER_TWO_FILES: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        // The only workload with two files; without it, these bugs are not found.
        settings.workload = NAMES.iter().copied().find(|name| *name == "pair").unwrap_or(settings.workload);
        settings.synchronous = "FULL";
        settings.transactions = 25;
        lose_power_often(settings);
        die_often(settings);
        if matches!(settings.journal_mode, "wal" | "delete") {
            settings.journal_mode = "persist";
        }
    },
    ..PLAIN
};
const DIE_CROWDED: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        die_often(settings);
        crowded(settings);
        if settings.journal_mode == "wal" {
            settings.journal_mode = "truncate";
        }
    },
    ..PLAIN
};
const DIE_WAL_CROWDED: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        die_often(settings);
        crowded(settings);
        settings.journal_mode = "wal";
    },
    ..PLAIN
};
const DIE_WAL: Diet = Diet {
    profile: "crash",
    tune: |settings| {
        die_often(settings);
        settings.journal_mode = "wal";
    },
    ..PLAIN
};
const MEET_WAL: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        crowd(settings);
        settings.journal_mode = "wal";
        settings.checkpoint = settings.checkpoint.min(20);
    },
    ..PLAIN
};
const MEET_WAL_CROWDED: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        crowd(settings);
        crowded(settings);
        settings.journal_mode = "wal";
        settings.checkpoint = 3;
    },
    ..PLAIN
};
const MEET_ROLLBACK: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        crowd(settings);
        if settings.journal_mode == "wal" {
            settings.journal_mode = "delete";
        }
    },
    ..PLAIN
};
const MEET_ROLLBACK_CROWDED: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        crowd(settings);
        crowded(settings);
        if settings.journal_mode == "wal" {
            settings.journal_mode = "persist";
        }
    },
    ..PLAIN
};
const MEET_SCHEMA: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        crowd(settings);
        settings.workload = "mixture";
    },
    ..PLAIN
};
const MEET_DYING: Diet = Diet {
    profile: "rollback",
    tune: |settings| {
        crowd(settings);
        die_often(settings);
    },
    ..PLAIN
};
/// Few switches, each at a place that matters: a process stops in the middle of a protocol while others do a lot.
fn stop_and_go(settings: &mut Settings) {
    crowd(settings);
    settings.strategy = Strategy::Priorities { changes_per_million: 8_000 };
    settings.transactions = 25;
}

const MEET_WAL_DEEP: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        stop_and_go(settings);
        settings.journal_mode = "wal";
        settings.checkpoint = 3;
        settings.cache_size = 10;
        settings.page_size = settings.page_size.min(1024);
    },
    ..PLAIN
};
const MEET_ROLLBACK_DEEP: Diet = Diet {
    profile: "rollback",
    tune: |settings| {
        stop_and_go(settings);
        settings.rates.kill = 2_000;
        settings.cache_size = 10;
        settings.page_size = settings.page_size.min(1024);
    },
    ..PLAIN
};
const MEET_AT_HOT_JOURNALS: Diet = Diet {
    profile: "rollback",
    tune: |settings| {
        settings.clients = vec![Which::Kernite; 4];
        settings.strategy = Strategy::Random;
        settings.rates = Rates { switch: 300_000, kill: 6_000, ..Rates::default() };
        settings.transactions = 25;
        crowded(settings);
    },
    ..PLAIN
};
const FLEET_WAL: Diet = Diet {
    profile: "fleet",
    tune: |settings| {
        settings.journal_mode = "wal";
        settings.clients = vec![Which::Kernite, Which::Sqlite, Which::Kernite];
        settings.rates.switch = settings.rates.switch.max(100_000);
        settings.checkpoint = settings.checkpoint.min(20);
    },
    ..PLAIN
};
const ALONE_CROWDED: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        crowded(settings);
    },
    ..PLAIN
};
const ALONE_LATE: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        settings.rates.late = 500_000;
        crowded(settings);
    },
    ..PLAIN
};
const BLOBS: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(2);
        settings.workload = "blobs";
    },
    ..PLAIN
};
const DEEP: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        settings.workload = "keys";
        settings.page_size = 512;
        settings.transactions = 25;
        settings.epochs = 2;
    },
    ..PLAIN
};
const DEEP_AUTO_VACUUM: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        settings.workload = "keys";
        settings.page_size = 512;
        settings.auto_vacuum = 1;
        settings.transactions = 25;
        settings.epochs = 2;
    },
    ..PLAIN
};
const AUTO_VACUUM: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        settings.auto_vacuum = 1 + u32::from(settings.page_size == 512);
        settings.page_size = settings.page_size.min(1024);
        settings.workload = if settings.cache_size > 30 { "keys" } else { "blobs" };
    },
    ..PLAIN
};
const SAVEPOINTS: Diet = Diet {
    profile: "calm",
    tune: |settings| {
        settings.clients.truncate(1);
        settings.workload = "mixture";
        settings.page_size = settings.page_size.min(1024);
        settings.transactions = 25;
    },
    ..PLAIN
};
const RULES: Diet = Diet {
    profile: "calm",
    rules: true,
    tune: |settings| {
        settings.clients.truncate(2);
        settings.transactions = 25;
    },
    ..PLAIN
};
const RULES_CROWDED: Diet = Diet {
    profile: "crash",
    rules: true,
    tune: |settings| {
        settings.rates.kill = 1_000;
        settings.cache_size = 10;
        settings.page_size = 512;
        settings.transactions = 25;
        settings.journal_mode = if settings.journal_mode == "wal" { "delete" } else { settings.journal_mode };
    },
    ..PLAIN
};
const ERRORS: Diet = Diet {
    profile: "errors",
    tune: |settings| {
        settings.rates.write_error = settings.rates.write_error.max(2_000);
        settings.rates.full = settings.rates.full.max(2_000);
    },
    ..PLAIN
};
const READ_ERRORS: Diet = Diet {
    profile: "errors",
    tune: |settings| {
        settings.rates.read_error = 20_000;
        settings.rates.write_error = 2_000;
        settings.clients.truncate(1);
        settings.transactions = 25;
        crowded(settings);
        if settings.journal_mode == "wal" {
            settings.journal_mode = "persist";
        }
    },
    ..PLAIN
};
const ERRORS_CROWDED: Diet = Diet {
    profile: "errors",
    tune: |settings| {
        settings.rates.write_error = settings.rates.write_error.max(5_000);
        settings.clients.truncate(1);
        crowded(settings);
    },
    ..PLAIN
};
const ERRORS_AT_THE_END: Diet = Diet {
    profile: "errors",
    tune: |settings| {
        settings.rates.name_error = 30_000;
        settings.rates.write_error = settings.rates.write_error.max(5_000);
        settings.rates.sync_error = 30_000;
    },
    ..PLAIN
};
const ERRORS_WAL: Diet = Diet {
    profile: "errors",
    tune: |settings| {
        settings.journal_mode = "wal";
        settings.rates.full = 20_000;
        settings.rates.write_error = 20_000;
        settings.clients.truncate(2);
    },
    ..PLAIN
};
const SYNC_ERRORS: Diet = Diet {
    profile: "default",
    tune: |settings| {
        settings.clients = vec![Which::Kernite];
        settings.rates.sync_error = 100_000;
        settings.rates.power_cut = 3_000;
        settings.rates.kill = 0;
        settings.synchronous = "FULL";
        settings.epochs = 3;
        if settings.journal_mode == "wal" {
            settings.journal_mode = "delete";
        }
    },
    ..PLAIN
};

/// The diets of a bug, the most apt first.
pub fn diets(bug: Bug) -> &'static [Diet] {
    use Bug::*;
    match bug {
        JournalRecordsNotSynced | JournalCountTooEarly => &[CUT_SMALL_PAGES, CUT_PERSIST],
        JournalSealNotSynced => &[CUT_DELETE, LOSE_POWER_ROLLBACK],
        JournalEndedBeforeSync => &[LOSE_POWER_ROLLBACK, CUT_DELETE],
        JournalDirectoryNotSynced => &[CUT_DELETE, LOSE_POWER_ROLLBACK],
        JournalNonceStale
        | JournalPageCountWrong
        | JournalPageSkipped
        | SpillBeforeJournal
        | PlaybackStopsEarly => &[DIE_CROWDED, LOSE_POWER_ROLLBACK],
        JournalStaleHeaderKept => &[CUT_CROWDED_PERSIST],
        JournalEndNotSynced => &[CUT_TRUNCATE, CUT_PERSIST],
        JournalRemovalNotDurable => &[CUT_EXTRA],
        FileCutBeforeCommit => &[SHRINKING],
        FileNotExtended => &[RULES_CROWDED, RULES],
        PlaybackNotSynced => &[LOSE_POWER_ROLLBACK],
        SuperJournalRemovedEarly | SuperJournalDirectoryNotSynced | SuperJournalNotNamed => {
            &[LOSE_POWER_OVER_TWO_FILES]
        }
        WalCommitNotSynced | WalDirectoryNotSynced => &[LOSE_POWER_WAL, CUT_WAL],
        WalCommitMarkEarly => &[DIE_IN_FLIGHT, LOSE_POWER_WAL],
        CheckpointDatabaseNotSynced => &[CUT_WAL, LOSE_POWER_WAL],
        CheckpointLogNotSynced => &[CUT_WAL_NORMAL],
        WalRechecksumForgotten | WalRechecksumSeedWrong | WalRecoveryIgnoresMark => &[DIE_WAL_CROWDED],
        WalRecoveryOffByOne => &[DIE_WAL],
        CheckpointBackfillEarly | CheckpointOlderFrame | WalReadSkipsFirst | WalSnapshotNotChecked => {
            &[MEET_WAL, FLEET_WAL]
        }
        CheckpointPastReader | WalReadPastSnapshot | WalSaltReused | WalCacheKeepsPage => {
            &[MEET_WAL, MEET_WAL_DEEP]
        }
        WalMarkNotRechecked | WalRestartUnderReader => &[MEET_WAL_DEEP, MEET_WAL_CROWDED],
        WalWriteNotLocked => &[MEET_WAL, FLEET_WAL],
        SharedLockDropped | ReservedNotTaken | ExclusiveNotTaken | ChangeCounterKept
        | ChangeCounterIgnored => &[MEET_ROLLBACK],
        LockDroppedBeforeEnd => &[MEET_DYING, MEET_ROLLBACK_DEEP],
        HotJournalWithoutLock => &[MEET_AT_HOT_JOURNALS],
        SpillWithoutExclusive => &[MEET_ROLLBACK_CROWDED],
        DirtyPageEvicted | PinnedPageEvicted | ChangedPageLost => &[ALONE_CROWDED],
        SavepointImageMissed | SavepointReleaseDropsImages | ImageStampTooNew | SavepointKeepsPageCount => {
            &[SAVEPOINTS, RULES]
        }
        FreedPageImageMissed => &[RULES_CROWDED, DIE_WITH_BLOBS],
        BalanceOverfills | DividerOffByOne | DividerLost | FreeBytesWrong => &[ALONE_CROWDED],
        RightChildLost => &[DEEP],
        OverflowChainLeaked | OverflowTailLeaked | FreelistDoubleUse | FreelistCountWrong => &[BLOBS],
        PointerMapChainStale => &[AUTO_VACUUM],
        PointerMapParentStale => &[DEEP_AUTO_VACUUM],
        CursorRestoredPast => &[SAVEPOINTS, RULES_CROWDED],
        WriteNotAwaited | ReadWakeUpLost | QueuedReadKept | ChangeKeptAtWait | TrimBeforeRerun
        | RetryCountsTwice => &[ALONE_LATE],
        IndexEntryKept | ReplaceLeavesEntries | ReplaceLeavesRow | NotNullBeforeDefault | AffinityIgnored
        | DescendingIgnored | CollationIgnored | NullsConflict | SequenceNotKept | StatementNotUndone
        | ClearNotCounted | CheckSkipped => &[RULES],
        SchemaCookieKept | SchemaCookieIgnored => &[MEET_SCHEMA],
        WriteErrorSwallowed => &[ERRORS, ERRORS_CROWDED],
        SyncErrorSwallowed | SyncRetried => &[SYNC_ERRORS],
        FullIgnored | LogRemovedUncopied => &[ERRORS_WAL],
        JournalReadErrorSwallowed => &[READ_ERRORS],
        JournalEndErrorSwallowed => &[ERRORS_AT_THE_END],
    }
}
