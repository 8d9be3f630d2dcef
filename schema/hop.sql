-- SPDX-License-Identifier: GPL-2.0
-- hop.sql - the hops: a virtual table over recordings in pktsql, a plain table in the files that it makes.

CREATE TABLE hop_row (	-- the hops by number; hop has the names
	recording INTEGER NOT NULL,
	packet INTEGER NOT NULL,
	hop INTEGER NOT NULL,		-- 1, 2, ... within the packet, in order of time
	time_ns INTEGER NOT NULL,
	at_ns INTEGER NOT NULL,		-- since the packet's first hop
	delta_ns INTEGER,		-- since the packet's previous hop
	kind TEXT NOT NULL,		-- entry, return, drop; derived: found on the stack of the event behind it
	func INTEGER NOT NULL,
	cpu INTEGER NOT NULL,
	seq INTEGER NOT NULL,		-- number on its CPU; a gap is loss; of a derived hop that of its event
	context TEXT,			-- process, softirq, hardirq, nmi
	pid INTEGER NOT NULL,		-- of the process that was running, whoever's packet it is
	netns_id INTEGER,
	ifindex INTEGER,
	len_bytes INTEGER,
	paged_bytes INTEGER,
	mark INTEGER,
	ethertype INTEGER,
	proto INTEGER,
	src TEXT,
	sport INTEGER,
	dst TEXT,
	dport INTEGER,
	ttl INTEGER,
	ip_id INTEGER,
	frag INTEGER,			-- fragment field with its flags
	tcp_flags INTEGER,
	tcp_seq INTEGER,
	gso_bytes INTEGER,		-- size of the segments it stands for
	gso_segments INTEGER,
	hook TEXT,			-- of netfilter: LOCAL_OUT, ...
	family TEXT,			-- of that hook: IPv4, ...
	verdict TEXT,			-- what a function that decides answered: ACCEPT, DROP, -EPERM, XDP_PASS, ...
	reason TEXT,			-- why it was dropped
	value INTEGER,			-- what the function returned, or the number of the drop reason
	stack INTEGER,			-- see frame
	PRIMARY KEY (recording, packet, hop)
) STRICT, WITHOUT ROWID;
