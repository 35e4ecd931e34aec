import GRDB

extension EventStore {
    /// The schema, step by step. A step that was ever released is never changed: another follows it.
    static var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 violations") { database in
            try database.execute(
                sql: """
                    -- A violation in one minute. No guest is an empty name, so that it takes part in the key.
                    CREATE TABLE violations (
                        id INTEGER PRIMARY KEY,
                        minute INTEGER NOT NULL,
                        bridge TEXT NOT NULL,
                        port TEXT NOT NULL,
                        guest TEXT NOT NULL,
                        direction INTEGER NOT NULL,
                        reason INTEGER NOT NULL,
                        audited INTEGER NOT NULL,
                        packets INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        first INTEGER NOT NULL,
                        last INTEGER NOT NULL,
                        samples INTEGER NOT NULL DEFAULT 0,
                        change INTEGER NOT NULL,
                        UNIQUE (minute, bridge, port, guest, direction, reason, audited)
                    ) STRICT;
                    -- Rows in the order in which they last changed.
                    CREATE INDEX violations_change ON violations (change);

                    CREATE TABLE samples (
                        id INTEGER PRIMARY KEY,
                        violation INTEGER NOT NULL REFERENCES violations (id) ON DELETE CASCADE,
                        time INTEGER NOT NULL,
                        length INTEGER NOT NULL,
                        tag_protocol INTEGER,
                        tag_control INTEGER,
                        bytes BLOB NOT NULL
                    ) STRICT;
                    CREATE INDEX samples_violation ON samples (violation);

                    -- One row: the number of the last change, and of which maps the baselines are.
                    CREATE TABLE progress (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        change INTEGER NOT NULL,
                        epoch TEXT NOT NULL,
                        read_at INTEGER NOT NULL,
                        read_at_time INTEGER NOT NULL
                    ) STRICT;
                    INSERT INTO progress VALUES (1, 0, '', 0, 0);

                    -- What the kernel's counters said when they were last read.
                    CREATE TABLE interfaces (
                        interface INTEGER PRIMARY KEY,
                        port TEXT NOT NULL,
                        bridge TEXT NOT NULL,
                        guest TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE baselines (
                        interface INTEGER NOT NULL REFERENCES interfaces (interface) ON DELETE CASCADE,
                        direction INTEGER NOT NULL,
                        reason INTEGER NOT NULL,
                        packets INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        audited_packets INTEGER NOT NULL,
                        audited_bytes INTEGER NOT NULL,
                        PRIMARY KEY (interface, direction, reason)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        return migrator
    }

    /// What every connection needs.
    static func configuration(readonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.label = "events"
        // Readers and the writer don't wait for each other in WAL mode; what is left is whoever looks in from outside.
        configuration.busyMode = .timeout(readonly ? 5 : 1)
        if !readonly { configuration.journalMode = .wal }
        configuration.prepareDatabase { database in
            // A damaged or foreign file may hold anything: no functions in its schema (sqlite.org/security.html).
            try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
            // Takes effect in a file that has no tables yet.
            if !readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_size_limit = 4194304") }
        }
        return configuration
    }
}
