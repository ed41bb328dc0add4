// Package pgserver runs a private PostgreSQL server as a child of this process.
//
// A server lives in one directory, Config.DataDir, which is safe to delete
// when nothing runs in it:
//
//	cluster/     what initdb or pg_basebackup makes and PostgreSQL owns
//	password     of the role kiwi, made once, mode 0600
//	server.log   unless Config.Log takes the log
//	lock         held by every process of a running server
//
// # Ownership
//
// The server ends with its owner. On Linux the kernel interrupts it when the
// owner dies, however that happens; elsewhere kill -9 of the owner leaves it
// behind. It has a session of its own, so Ctrl-C reaches the owner alone, which
// can then drain before it calls [Server.Stop].
//
// Whether a directory is in use is decided by the lock and not by process ids,
// which are reused: the server's processes inherit it, so it is free exactly
// when the last of them is gone, and a postmaster.pid found then is stale.
//
// # Root
//
// PostgreSQL refuses to run as root. Started by root it runs as the owner of an
// existing cluster, else as postgres, else as nobody. That user may be unable
// to walk to the cluster, say in a checkout below /root, so on Linux it is
// handed the directory as an open descriptor and knows it as /proc/self/fd/4.
// The data thus stays in DataDir for every user, and moving or deleting a
// checkout moves or deletes its data. The alternative, a cluster elsewhere that
// is found again by name, loses that.
//
// # Access
//
// The server listens on 127.0.0.1 only and has no Unix socket. Every connection
// needs the password, because other users of the machine reach that address
// too. libpq's PG… variables do not reach the server.
package pgserver
