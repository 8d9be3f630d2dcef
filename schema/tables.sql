-- SPDX-License-Identifier: GPL-2.0
-- tables.sql - what a recording says, one table for each kind of thing; hops are in hop.sql, what is derived in views.sql.
--
-- Every table begins with the number of its recording: several files can be loaded together.  Times are nanoseconds of
-- the recorded machine's CLOCK_MONOTONIC unless the name says otherwise.  NULL is "not known" or "does not apply".

CREATE TABLE recording (	-- the files, one row each, and what was recorded in all
	recording INTEGER PRIMARY KEY,	-- 1, 2, ... in the order given
	file TEXT NOT NULL,		-- as named on the command line
	id TEXT NOT NULL,		-- random id of the recording, hexadecimal
	host TEXT,			-- name of the recorded machine
	kernel TEXT,			-- its kernel's release
	machine TEXT,			-- its architecture
	backend TEXT,			-- how the recorder hooked into the kernel
	profile TEXT,			-- which functions it asked for
	command TEXT,			-- the recorder's command line
	started_realtime_ns INTEGER,	-- wall clock at the start, since 1970
	first_ns INTEGER,		-- time of the first hop
	last_ns INTEGER,		-- time of the last hop
	packets INTEGER NOT NULL,	-- how many packets were seen
	hops INTEGER NOT NULL,		-- how many hops were recorded
	lost INTEGER NOT NULL,		-- how many hops were produced and lost
	missed INTEGER NOT NULL,	-- probe hits at which the kernel ran no program
	end_reason TEXT,		-- why the recorder ended; NULL: it did not end properly
	trouble TEXT			-- what is wrong with the file, NULL: nothing
) STRICT;

CREATE TABLE fact (	-- what the recorder noted about the machine and itself, as text
	recording INTEGER NOT NULL,
	key TEXT NOT NULL,		-- such as host.kernel
	value TEXT NOT NULL
) STRICT;

CREATE TABLE enum_member (	-- the names of the recorded kernel's numbers, such as drop reasons
	recording INTEGER NOT NULL,
	type TEXT NOT NULL,		-- such as skb_drop_reason
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (recording, type, value, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE function (	-- the kernel's functions, with what is known of them
	recording INTEGER NOT NULL,
	func INTEGER NOT NULL,		-- number within the recording
	name TEXT NOT NULL,		-- not unique: two functions may have one name
	module TEXT,			-- NULL: the kernel itself
	layer TEXT NOT NULL,		-- netfilter, ip, socket, ...; other: not known
	stage TEXT,			-- the boundary it marks, such as to_ip
	meaning TEXT,			-- what it does, in a sentence
	offset_bytes INTEGER,		-- from the beginning of the kernel's text
	argument INTEGER,		-- position of the packet among its arguments
	probed INTEGER NOT NULL,	-- 1: the recorder wanted to see it
	attached INTEGER NOT NULL,	-- 1: and did; a function that is not attached is never seen
	returns INTEGER NOT NULL,	-- 1: its return is recorded too
	error INTEGER,			-- errno of a refused probe
	why TEXT,			-- that refusal, in words
	hits INTEGER NOT NULL,		-- how often packets entered it
	PRIMARY KEY (recording, func)
) STRICT, WITHOUT ROWID;

CREATE TABLE netns (	-- network namespaces
	recording INTEGER NOT NULL,
	netns_id INTEGER NOT NULL,	-- inode number
	netns TEXT NOT NULL,		-- name, or netns:NUMBER
	PRIMARY KEY (recording, netns_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE interface (	-- network devices
	recording INTEGER NOT NULL,
	netns_id INTEGER NOT NULL,
	ifindex INTEGER NOT NULL,	-- number within the namespace
	device TEXT NOT NULL,		-- name
	kind TEXT,			-- veth, bridge, ...
	address TEXT,			-- of the link layer
	peer_ifindex INTEGER,		-- of a veth pair
	peer_netns_id INTEGER,
	mtu_bytes INTEGER,
	flags INTEGER NOT NULL,		-- IFF_*
	PRIMARY KEY (recording, netns_id, ifindex)
) STRICT, WITHOUT ROWID;

CREATE TABLE process (	-- programs that were running when packets passed
	recording INTEGER NOT NULL,
	pid INTEGER NOT NULL,
	process TEXT NOT NULL,		-- name
	command TEXT,			-- with its arguments, NULL: not known
	PRIMARY KEY (recording, pid)
) STRICT, WITHOUT ROWID;

CREATE TABLE loss (	-- the account of each CPU: produced = recorded + lost
	recording INTEGER NOT NULL,
	cpu INTEGER NOT NULL,
	produced INTEGER NOT NULL,	-- hops, as counted in the kernel
	recorded INTEGER NOT NULL,	-- hops that reached the file
	lost INTEGER NOT NULL,		-- hops without room
	missed INTEGER NOT NULL,	-- probe hits at which the kernel ran no program
	others_lost INTEGER NOT NULL,	-- stacks and names without room
	PRIMARY KEY (recording, cpu)
) STRICT, WITHOUT ROWID;

CREATE TABLE packet (	-- the packets: one row for each life of an sk_buff
	recording INTEGER NOT NULL,
	packet INTEGER NOT NULL,	-- 1, 2, ... in the order of their first hops
	packet_id INTEGER NOT NULL,	-- as in the recording
	first_ns INTEGER NOT NULL,	-- time of its first hop
	last_ns INTEGER NOT NULL,	-- time of its last hop
	took_ns INTEGER NOT NULL,	-- from the first to the last
	hops INTEGER NOT NULL,
	tuple TEXT NOT NULL,		-- for people: UDP 10.0.0.1:40000 > 10.0.0.2:53
	ethertype INTEGER,
	proto INTEGER,			-- IP protocol: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6
	src TEXT,			-- address
	sport INTEGER,			-- port; ICMP: type * 256 + code; ARP: operation
	dst TEXT,
	dport INTEGER,			-- port; ICMP: echo id
	fate TEXT NOT NULL,		-- delivered, sent, dropped, consumed, merged, in flight
	fate_hop INTEGER NOT NULL,	-- the hop that decided it
	reason TEXT,			-- why it was dropped
	lossy INTEGER NOT NULL,		-- 1: hops may be missing
	gone TEXT,			-- what it passed, or ended in, that went while recording: "module x", "network namespace y"
	netns TEXT,			-- where it was born
	device TEXT,			-- the first device it was seen on
	pid INTEGER,			-- of the process at its birth, NULL: an interrupt
	process TEXT,
	first_function TEXT NOT NULL,
	fate_function TEXT NOT NULL,	-- the function that decided its fate
	path INTEGER NOT NULL,		-- see path
	derived INTEGER NOT NULL,	-- how many of its hops are derived from stacks
	like INTEGER,			-- a packet that met the same tracepoints and has the stacks that this one lacks
	journey INTEGER NOT NULL,	-- packets that came from each other have the same number: see lineage
	tuple_of INTEGER,		-- the kin that its addresses were taken from; NULL: it showed them itself
	merged_into INTEGER,		-- the packet that has its data now
	stack INTEGER,			-- the kernel stack at its first hop that has one: see frame
	protocol TEXT,			-- TCP, UDP, ICMP, ARP, ...
	len_bytes INTEGER,		-- the most until its first boundary (see stage of function), with what headers it had there
	PRIMARY KEY (recording, packet)
) STRICT, WITHOUT ROWID;

CREATE TABLE path (	-- ways through the kernel: packets that entered the same functions in the same order
	recording INTEGER NOT NULL,
	path INTEGER NOT NULL,		-- 1, 2, ... in the order of first use
	signature TEXT NOT NULL,	-- the same in two recordings if the functions have the same names
	packets INTEGER NOT NULL,	-- how many took it
	steps INTEGER NOT NULL,		-- functions; repeats count once
	example INTEGER NOT NULL,	-- the first packet that took it
	PRIMARY KEY (recording, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE path_step (	-- the functions of a path by number; path_hop has their names
	recording INTEGER NOT NULL,
	path INTEGER NOT NULL,
	step INTEGER NOT NULL,		-- 1, 2, ...
	func INTEGER NOT NULL,
	PRIMARY KEY (recording, path, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE frame (	-- kernel stacks by number, each once; hop_stack has the names
	recording INTEGER NOT NULL,
	stack INTEGER NOT NULL,		-- 1, 2, ...: see hop
	frame INTEGER NOT NULL,		-- 1 is the innermost
	func INTEGER NOT NULL,
	PRIMARY KEY (recording, stack, frame)
) STRICT, WITHOUT ROWID;

CREATE TABLE lineage (	-- which packet came from which
	recording INTEGER NOT NULL,
	child INTEGER,			-- packet; NULL: no hop of it was recorded
	parent INTEGER,
	kind TEXT NOT NULL,		-- clone, copy, segment, fragment, merge, coalesce, reassemble, split, rebuild, encapsulate
	time_ns INTEGER NOT NULL,
	function TEXT NOT NULL		-- where it was noticed
) STRICT;

CREATE TABLE payload (	-- the first bytes of packets, when they were first seen with headers
	recording INTEGER NOT NULL,
	packet INTEGER NOT NULL,
	time_ns INTEGER NOT NULL,
	layer INTEGER NOT NULL,		-- 2: from the link-layer header on, 3: from the network header on
	len_bytes INTEGER NOT NULL,	-- of the whole packet from there
	bytes BLOB NOT NULL
) STRICT;

CREATE TABLE snapshot (	-- what network namespaces looked like when the recording began and ended
	recording INTEGER NOT NULL,
	moment TEXT NOT NULL,		-- start, end
	netns_id INTEGER,		-- NULL: the whole machine
	netns TEXT,
	what TEXT NOT NULL,		-- routes, nftables, ...
	source TEXT,			-- the command or file it is from
	note TEXT,			-- why it is missing or cut, NULL: it is whole
	text TEXT NOT NULL		-- as the source gave it; where that is JSON, json_each() and the like read it
) STRICT;

CREATE TABLE rule (	-- firewall rules at the start and the end, with what they had counted by then; see rule_count
	recording INTEGER NOT NULL,
	moment TEXT NOT NULL,		-- start, end
	netns_id INTEGER,
	netns TEXT,
	source TEXT NOT NULL,		-- nftables, iptables, ip6tables, iptables-nft, ip6tables-nft; filters: of tc
	family TEXT,			-- ip, ip6, inet, bridge, ...; tc
	"table" TEXT,			-- of a filter, the device
	chain TEXT,			-- of a filter, where it hangs: ingress, egress, 1:
	number INTEGER,			-- of nft the handle; of iptables the place in the chain, 0: the chain's policy; of a filter its place in the list
	packets INTEGER,		-- NULL: it does not count
	bytes INTEGER,
	action TEXT,			-- in small letters: accept, drop, reject, jump, masquerade, ...
	rule TEXT			-- in words
) STRICT;

CREATE TABLE counter (	-- what the kernel had counted of IP, TCP, UDP, ... at the start and the end
	recording INTEGER NOT NULL,
	moment TEXT NOT NULL,		-- start, end
	netns_id INTEGER,
	netns TEXT,
	counter TEXT NOT NULL,		-- as nstat calls it: UdpInDatagrams
	value INTEGER NOT NULL
) STRICT;

CREATE TABLE hop_latency (	-- how long packets took from entering each function to entering the next
	recording INTEGER NOT NULL,
	func INTEGER NOT NULL,
	dropped INTEGER NOT NULL,	-- 1: from the drop that was reported in the function, not from its entry
	function TEXT NOT NULL,
	layer TEXT NOT NULL,
	count INTEGER NOT NULL,		-- how often another entry followed; percentiles are of the nearest rank
	min_ns INTEGER,
	p50_ns INTEGER,
	p90_ns INTEGER,
	p99_ns INTEGER,
	max_ns INTEGER,
	total_ns INTEGER,
	running_ns INTEGER NOT NULL,	-- parts of the total: one context of one CPU went on
	queued_ns INTEGER NOT NULL,	-- the packet was in a queue: see edge_latency
	crossing_ns INTEGER NOT NULL,	-- another CPU went on, with no known queue between
	switching_ns INTEGER NOT NULL,	-- another process or interrupt of the same CPU went on
	slowest_packet INTEGER,		-- the one that took max_ns
	returns INTEGER NOT NULL,	-- how many returns were recorded
	inside_min_ns INTEGER,		-- from entry to return
	inside_p50_ns INTEGER,
	inside_p90_ns INTEGER,
	inside_p99_ns INTEGER,
	inside_max_ns INTEGER,
	inside_total_ns INTEGER,
	PRIMARY KEY (recording, func, dropped)
) STRICT, WITHOUT ROWID;

CREATE TABLE edge_latency (	-- how long packets took from each function to each next one, by how the time was spent
	recording INTEGER NOT NULL,
	from_func INTEGER NOT NULL,
	from_dropped INTEGER NOT NULL,	-- 1: from the drop that was reported in the function, not from its entry
	to_func INTEGER NOT NULL,
	to_dropped INTEGER NOT NULL,
	time TEXT NOT NULL,		-- running, crossing, switching, or the queue: backlog, socket, ...
	from_function TEXT NOT NULL,
	to_function TEXT NOT NULL,
	count INTEGER NOT NULL,
	min_ns INTEGER NOT NULL,
	p50_ns INTEGER NOT NULL,
	p90_ns INTEGER NOT NULL,
	p99_ns INTEGER NOT NULL,
	max_ns INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	crossed_cpus INTEGER NOT NULL,	-- so many ended on another CPU
	slowest_packet INTEGER NOT NULL,	-- the one that took max_ns
	PRIMARY KEY (recording, from_func, from_dropped, to_func, to_dropped, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE time_latency (	-- how packets spent their time: the sums of each packet
	recording INTEGER NOT NULL,
	time TEXT NOT NULL,		-- running, crossing, switching, or a queue
	queue INTEGER NOT NULL,		-- 1: it is a queue
	meaning TEXT NOT NULL,
	packets INTEGER NOT NULL,	-- how many spent time so
	min_ns INTEGER NOT NULL,
	p50_ns INTEGER NOT NULL,
	p90_ns INTEGER NOT NULL,
	p99_ns INTEGER NOT NULL,
	max_ns INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	PRIMARY KEY (recording, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE reason (	-- drop reasons that occurred, in words
	reason TEXT PRIMARY KEY,
	meaning TEXT,
	advice TEXT			-- what to check next
) STRICT, WITHOUT ROWID;

CREATE TABLE same_packet (	-- packets that left one recorded machine and came to another, by what their headers say
	recording INTEGER NOT NULL,	-- where it left
	packet INTEGER NOT NULL,
	other_recording INTEGER NOT NULL,	-- where it came
	other_packet INTEGER NOT NULL,
	left_ns INTEGER NOT NULL,	-- by the clock of recording: handed to the driver
	came_ns INTEGER NOT NULL,	-- by the clock of other_recording: seen first
	evidence TEXT NOT NULL		-- what tells it from others: IP id, TCP sequence, addresses
) STRICT;

CREATE TABLE clock_offset (	-- how the clocks of two recordings differ, from the packets that are in both
	recording INTEGER NOT NULL,
	other_recording INTEGER NOT NULL,
	there INTEGER NOT NULL,		-- packets that went to other_recording
	back INTEGER NOT NULL,		-- packets that came from there
	offset_ns INTEGER NOT NULL,	-- added to a time of recording it is one of other_recording
	error_ns INTEGER,		-- the most that it can be wrong; NULL: not known, the time on the way is in it
	PRIMARY KEY (recording, other_recording)
) STRICT, WITHOUT ROWID;
