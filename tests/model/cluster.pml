/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rules by which the nodes of a cluster agree on what was said (doc/cluster.md), for spin: every order of events within the
 * budgets below is looked at. tests/model/check runs it with several budgets, and with each rule that has a NO_… or the
 * like left out, which has to be found: a model that finds nothing then says nothing.
 *
 * Two regions of a pair (objects 0 and 1) have one value each, named by how safe they are: UP < NONE < DRAIN < DOWN. etcd is
 * a head and a tree of entries: a branch begins where it was restored from a backup. A request may be answered, may have effect
 * without an answer, and may have effect long after (late[]). What a node has in its local store outlives a crash: its
 * position, values, pending ones. Everything ends: budgets bound what may go wrong, what mends is free. So at the end (timeout)
 * all has to be equal, and everything that was said is there or was told.
 */
#ifndef N
#define N 2 /* nodes */
#endif
#ifndef ORDERS
#define ORDERS 2 /* that need the turn */
#endif
#ifndef EMERGENCIES
#define EMERGENCIES 0 /* that do not wait for anything */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LOSSES
#define LOSSES 1 /* answers lost, and requests that come late */
#endif
#ifndef EXPIRIES
#define EXPIRIES 1 /* of a lease whose node lives and thinks that it has it */
#endif
#ifndef CUTS
#define CUTS 0 /* a node from etcd */
#endif
#ifndef EMPTIED
#define EMPTIED 0
#endif
#ifndef RESTORED
#define RESTORED 0 /* from an older state */
#endif

#define SAID (ORDERS + EMERGENCIES) /* numbers of what was said: 1 … SAID */
#define ENTRIES (SAID + EXTRA)
#ifndef EXTRA
#define EXTRA (2 * (EMPTIED + RESTORED)) /* entries that are lost, and written once more */
#endif

#define UP 0
#define NONE 1
#define DRAIN 2
#define DOWN 3

/* what became of what was said, as the client was told */
#define FREE 0
#define WORK 1
#define ACKED 2
#define PROVISIONAL 3
#define FAILED 4  /* not written, and will not be */
#define UNKNOWN 5 /* the node died, or the deadline was over */

/* what an entry is */
#define PLAIN 0  /* an order or an emergency, also one that was pending, without a conflict */
#define WINS 1   /* it was pending, and is safer than what came between */
#define LOSES 2  /* … less safe: changes nothing but the list of conflicts */

typedef said_t {
	bit object;
	unsigned value : 2;
	bit emergency;
	unsigned state : 3;
	byte base; /* the entry that the node had applied */
	byte over; /* what held there for this object and was not known to be an entry (bits) */
	byte knew; /* what held there that was no entry yet (bits): for the proof only, the rules have `over` */
	byte upon; /* … that was pending there (bits): likewise */
	bit told;  /* lost by an operator's will, and said so */
};

typedef entry_t {
	byte before, seq;
#ifdef REVISION_ONLY
	byte revision;
#endif
	byte said;
	unsigned kind : 2;
	byte node;
	/* what holds after it; the entries that changed it last; who lost conflicts (bits) */
	unsigned value0 : 2;
	unsigned value1 : 2;
	byte changed0, changed1;
	byte lost0, lost1;
};

typedef request_t {
	bit is_there;
	byte said, base, revision, turn;
	unsigned kind : 2;
};

typedef node_t {
	/* local store */
	byte at;
	unsigned value0 : 2;
	unsigned value1 : 2;
	byte pending; /* bits */
	/* memory */
	bit is_dead, is_cut, is_estranged;
	byte work;   /* what it writes at the moment */
	bit judged;  /* … and in force here */
	byte judged_at;
	byte turn;   /* that it thinks it has */
	bit refills; /* has begun to */
};

said_t said[SAID + 1];
entry_t log[ENTRIES + 1]; /* [0]: the cluster was made */
request_t asked[N], late[N];
node_t node[N];

bit no_head;
byte head, entries;
byte kept; /* entries behind this number are there */
#ifdef REVISION_ONLY
byte revision; /* of head */
#endif
byte turn, turns; /* 0: nobody's */
byte spoken, orders, emergencies, crashes, losses, expiries, cuts, emptied, restored;

/* ---- helpers: temporaries are no state ---- */

hidden byte t, u, w, x, is, legal, conflict;
hidden byte r_said, r_base, r_revision, r_turn, r_kind; /* a request that arrives */
byte i, p; /* across choices, where hidden ones do not last; else 0 */

#define VALUE(where, o) (o -> where.value1 : where.value0)
#define CHANGED(e, o) (o -> log[e].changed1 : log[e].changed0)
#define BIT(p) (1 << (p))
#define TALKS(n) (!node[n].is_dead && !node[n].is_cut && !node[n].is_estranged)
#if N == 2
#define IS_HELD (node[0].turn == turn || node[1].turn == turn)
#define HIGHEST(n) (SEQ(node[0].at) <= SEQ(node[n].at) && SEQ(node[1].at) <= SEQ(node[n].at))
#else
#define IS_HELD (node[0].turn == turn || node[1].turn == turn || node[2].turn == turn)
#define HIGHEST(n) (SEQ(node[0].at) <= SEQ(node[n].at) && SEQ(node[1].at) <= SEQ(node[n].at) && SEQ(node[2].at) <= SEQ(node[n].at))
#endif
#define SEQ(e) (log[e].seq)
#define IS_EMERGENCY(p) (said[p].emergency)

/* is: does the history that ends with `h` have entry `e`? */
inline find_entry(entry, tip)
{
	t = tip;
	do
	:: t != entry && t != 0 -> t = log[t].before
	:: else -> break
	od;
	is = (t == entry)
}

/* t: the entry of what was said as `p` in the history that ends with `h`; 0: none */
inline find_said(which, tip)
{
	t = tip;
	do
	:: t != 0 && log[t].said != which -> t = log[t].before
	:: else -> break
	od
}

/* t: the one behind `e` in the history that ends with `h` (`e` is in it, and another) */
inline find_next(entry, tip)
{
	t = tip;
	do
	:: log[t].before != entry -> t = log[t].before
	:: else -> break
	od
}

/* conflict: has somebody changed the object since `p` was said, on whoever is at `a`? */
inline find_conflict(which, here)
{
	u = CHANGED(here, said[which].object);
	find_entry(said[which].base, here);
#ifdef NO_BASE
	conflict = false;
#else
	if
	:: is -> conflict = (u != CHANGED(said[which].base, said[which].object))
	:: else -> conflict = true /* another history */
	fi;
#endif
#ifdef OWN_IS_KNOWN
	if
	:: conflict && log[u].node == n -> conflict = false
	:: else
	fi;
#endif
#ifndef NO_OVER
	if
	:: conflict && (said[which].over & BIT(log[u].said)) != 0 -> conflict = false
	:: else
	fi;
#endif
	if
	:: VALUE(log[here], said[which].object) == said[which].value -> conflict = false
	:: else
	fi
}

/* ---- etcd ---- */

#ifdef NO_CAS
#define HEAD_IS(of, rev) (!no_head)
#else
#ifdef REVISION_ONLY
#define HEAD_IS(of, rev) (!no_head && revision == rev)
#else
#define HEAD_IS(of, rev) (!no_head && head == of)
#endif
#endif
#ifdef NO_TURN
#define TURN_IS(had) true
#else
#define TURN_IS(had) (had == 0 || turn == had)
#endif

inline set_value(entry, thing, new)
{
	if
	:: thing == 0 -> log[entry].value0 = new; log[entry].changed0 = entry
	:: else -> log[entry].value1 = new; log[entry].changed1 = entry
	fi
}

inline add_lost(entry, thing, which)
{
#ifdef ONE_LOSER
	if
	:: thing == 0 -> log[entry].lost0 = BIT(which)
	:: else -> log[entry].lost1 = BIT(which)
	fi
#else
	if
	:: thing == 0 -> log[entry].lost0 = log[entry].lost0 | BIT(which)
	:: else -> log[entry].lost1 = log[entry].lost1 | BIT(which)
	fi
#endif
}

/* What held when it was said, and nobody there knew of, goes by the safer one, and the other is kept; what was known is no conflict. */
inline check_pending()
{
	x = said[r_said].object;
	w = CHANGED(head, x);
	find_entry(w, said[r_said].base);
	legal = is || (said[r_said].knew & BIT(log[w].said)) != 0;
	if
	:: legal -> assert(r_kind == PLAIN || restored != 0) /* of another history: when in doubt, a conflict */
	:: else ->
		assert(r_kind != PLAIN || VALUE(log[head], x) == said[r_said].value);
		assert(r_kind != WINS || VALUE(log[head], x) < said[r_said].value);
		assert(r_kind != LOSES || VALUE(log[head], x) > said[r_said].value)
	fi
}

/* What was given on top of it, and became pending as well, comes after it: also where others bring both. */
inline check_order()
{
	t = head;
	do
	:: t != 0 ->
		assert(!(said[log[t].said].upon & BIT(r_said)) || said[log[t].said].state != PROVISIONAL || restored != 0 || emptied != 0);
		t = log[t].before
	:: else -> break
	od
}

inline check_entry()
{
	assert(r_base == head); /* positions chain */
	find_said(r_said, head);
	assert(t == 0); /* nothing is written twice */
	assert(said[r_said].state != FAILED || restored != 0); /* "it is not written" was no lie */
	if
	:: !IS_EMERGENCY(r_said) && said[r_said].value >= DRAIN -> /* it is lawful where it stands */
		assert(VALUE(log[head], (1 - said[r_said].object)) < DRAIN)
	:: else
	fi;
	if
	:: said[r_said].state == PROVISIONAL -> check_pending(); check_order()
	:: else
	fi
}

#define load(slot, n) \
	r_said = slot[n].said; r_base = slot[n].base; r_revision = slot[n].revision; r_turn = slot[n].turn; r_kind = slot[n].kind

/* is: had it effect? */
inline write_entry(me)
{
	is = false;
	if
	:: HEAD_IS(r_base, r_revision) && TURN_IS(r_turn) ->
		check_entry();
		entries++;
		assert(entries <= ENTRIES);
#ifdef REVISION_ONLY
		revision++;
		log[entries].revision = revision;
#endif
		log[entries].before = head;
		log[entries].seq = log[head].seq + 1;
		log[entries].said = r_said;
		log[entries].kind = r_kind;
		log[entries].node = me;
		log[entries].value0 = log[head].value0;
		log[entries].value1 = log[head].value1;
		log[entries].changed0 = log[head].changed0;
		log[entries].changed1 = log[head].changed1;
		log[entries].lost0 = log[head].lost0;
		log[entries].lost1 = log[head].lost1;
		x = said[r_said].object;
		if
		:: r_kind == LOSES -> u = r_said; add_lost(entries, x, u)
		:: r_kind == WINS ->
			u = CHANGED(head, x);
			u = log[u].said;
			add_lost(entries, x, u);
			set_value(entries, x, said[r_said].value)
		:: else ->
			set_value(entries, x, said[r_said].value);
			if
#ifdef ANY_ENDS
			:: false
#else
			:: IS_EMERGENCY(r_said)
#endif
			:: else -> /* ends a conflict */
				if
				:: x == 0 -> log[entries].lost0 = 0
				:: else -> log[entries].lost1 = 0
				fi
			fi
		fi;
		head = entries;
		is = true
	:: else
	fi
}

/* ---- what a node does ---- */

inline forget_work(me)
{
	node[me].work = 0;
	node[me].judged = false;
	node[me].judged_at = 0;
	asked[me].is_there = false;
	asked[me].said = 0;
	asked[me].base = 0;
	asked[me].revision = 0;
	asked[me].turn = 0;
	asked[me].kind = 0
}

inline give_turn(me)
{
	if
	:: node[me].turn != 0 && turn == node[me].turn -> turn = 0
	:: else
	fi;
	node[me].turn = 0
}

/* Its own or another's: into the local store, with the position, in one transaction. */
inline apply(me, entry)
{
	w = log[entry].said;
#ifdef OWN_BY_NAME
	if
	:: log[entry].node == me && node[me].work != w
	:: else -> node[me].value0 = log[entry].value0; node[me].value1 = log[entry].value1
	fi;
#else
	node[me].value0 = log[entry].value0;
	node[me].value1 = log[entry].value1;
#endif
	node[me].at = entry;
#ifndef NO_IDENTITY
	if
	:: w != 0 -> node[me].pending = node[me].pending & ~BIT(w)
	:: else
	fi;
#endif
	if
	:: w != 0 && node[me].work == w ->
		node[me].pending = node[me].pending & ~BIT(w);
		if
		:: said[w].state == WORK -> said[w].state = ACKED
		:: else
		fi;
		if
		:: !IS_EMERGENCY(w) -> give_turn(me)
		:: else
		fi;
		forget_work(me)
	:: else
	fi
}

inline speak(me, is_urgent)
{
	spoken++;
	if
	:: said[spoken].object = 0
	:: said[spoken].object = 1
	fi;
	if
	:: is_urgent -> said[spoken].value = UP
	:: said[spoken].value = NONE
	:: !is_urgent -> said[spoken].value = DRAIN
	:: is_urgent -> said[spoken].value = DOWN
	fi;
	said[spoken].emergency = is_urgent;
	said[spoken].base = node[me].at;
	said[spoken].state = WORK
}

/* All that held there for this object: pending, or under way. */
inline find_over(me, which)
{
	said[which].knew = node[me].pending | (node[me].work != 0 -> BIT(node[me].work) : 0);
	said[which].upon = node[me].pending;
	u = 1;
	do
	:: u < which ->
		if
		:: said[u].object == said[which].object -> said[which].over = said[which].over | (said[which].knew & BIT(u))
		:: else
		fi;
		u++
	:: else -> break
	od
}

/* It holds here; on other nodes when they are linked with this one: tell(). */
inline pend(me)
{
	node[me].pending = node[me].pending | BIT(p);
	said[p].state = PROVISIONAL;
	p = 0
}

/* w: what is pending here and neither pending there nor known there to be an entry (bits) */
inline find_news(me, other)
{
	w = node[me].pending & ~node[other].pending;
	x = 1;
	do
	:: x <= SAID ->
		find_said(x, node[other].at);
		if
		:: t != 0 -> w = w & ~BIT(x)
		:: else
		fi;
		x++
	:: else -> break
	od
}

/* Over their link, in the order in which it came to hold here: all, or the first ones if it breaks. */
inline tell(me, other)
{
	find_news(me, other);
	x = 1;
	do
	:: x <= SAID && !(w & BIT(x)) -> x++
	:: else -> break
	od;
#ifdef OUT_OF_ORDER
	u = SAID;
	do
	:: u > x && !(w & BIT(u)) -> u--
	:: else -> break
	od;
	x = u;
#endif
	if
	:: x <= SAID -> node[other].pending = node[other].pending | BIT(x)
	:: else
	fi
}

inline ask(me, sort, with_turn)
{
	asked[me].is_there = true;
	asked[me].said = node[me].work;
	asked[me].base = node[me].at;
#ifdef REVISION_ONLY
	asked[me].revision = log[node[me].at].revision;
#endif
	asked[me].turn = with_turn;
	asked[me].kind = sort
}

/* A condition did not hold. With the entry that it follows there: it is written by an earlier try (and will be applied), or never
 * will be. Without (etcd was emptied or restored): nobody knows, it may come back with a refill. */
inline be_refused(me)
{
	find_said(asked[me].said, head);
	u = t;
	find_entry(asked[me].base, head);
	if
	:: !no_head && u != 0 && log[u].before == asked[me].base -> skip
	:: else ->
		is = is && !no_head;
#ifdef SURE
		is = true;
#endif
		if
		:: said[asked[me].said].state == WORK && !is -> skip /* estranged, see there */
		:: IS_EMERGENCY(asked[me].said) && said[asked[me].said].state == WORK && is -> /* it is judged by nobody: again, at what is there by then */
			asked[me].is_there = false;
			asked[me].base = 0; asked[me].revision = 0; asked[me].kind = 0
		:: IS_EMERGENCY(asked[me].said) && said[asked[me].said].state != WORK -> forget_work(me) /* pending: is brought again */
		:: !IS_EMERGENCY(asked[me].said) && is ->
			if
			:: said[asked[me].said].state == WORK -> said[asked[me].said].state = FAILED
			:: else
			fi;
			give_turn(me);
			forget_work(me)
		fi
	fi
}

inline die(me)
{
	if
	:: node[me].work != 0 && said[node[me].work].state == WORK -> said[node[me].work].state = UNKNOWN
	:: else
	fi;
	forget_work(me);
	node[me].turn = 0;
	node[me].refills = false;
	node[me].is_estranged = false;
	node[me].is_dead = true
}

/* What is there instead of what is here; what was acknowledged here and is not there is told. */
inline adopt(me)
{
	x = 1;
	do
	:: x <= SAID ->
		find_said(x, node[me].at);
		u = t;
		find_said(x, head);
		if
		:: u != 0 && t == 0 -> said[x].told = true
		:: else
		fi;
		x++
	:: else -> break
	od;
	node[me].at = head;
	node[me].value0 = log[head].value0;
	node[me].value1 = log[head].value1;
	node[me].is_estranged = false
}

proctype Node(byte n)
{
end:
	do
	/* -- orders -- */
	:: atomic { TALKS(n) && node[n].work == 0 && orders < ORDERS && turn == 0 && !no_head ->
		orders++;
		speak(n, false);
		node[n].work = spoken;
		turns++;
		turn = turns;
		node[n].turn = turn }
	:: d_step { TALKS(n) && node[n].work != 0 && !IS_EMERGENCY(node[n].work) && !node[n].judged && !no_head && node[n].at == head ->
		w = node[n].work;
		legal = (said[w].value < DRAIN || VALUE(node[n], (1 - said[w].object)) < DRAIN);
		said[w].base = node[n].at;
		if
		:: legal && node[n].pending == 0 -> node[n].judged = true; node[n].judged_at = node[n].at
		:: else -> said[w].state = FAILED; give_turn(n); forget_work(n)
		fi }
	:: d_step { TALKS(n) && node[n].judged && !asked[n].is_there ->
#if !defined(NO_JUDGED) && !defined(NO_TURN)
		if
		:: node[n].at != node[n].judged_at -> node[n].judged = false; node[n].judged_at = 0 /* again */
		:: else -> ask(n, PLAIN, node[n].turn)
		fi
#else
		ask(n, PLAIN, node[n].turn)
#endif
		}

	/* -- emergencies -- */
	:: atomic { !node[n].is_dead && emergencies < EMERGENCIES && (!TALKS(n) || node[n].work == 0) ->
		emergencies++;
		speak(n, true);
		d_step { find_over(n, spoken) };
		if
		:: TALKS(n) -> node[n].work = spoken
		:: else -> p = spoken; pend(n)
		fi }
	:: d_step { TALKS(n) && node[n].work != 0 && IS_EMERGENCY(node[n].work) && !asked[n].is_there && said[node[n].work].state == WORK ->
		said[node[n].work].base = node[n].at;
		ask(n, PLAIN, 0) }
	:: atomic { !node[n].is_dead && !TALKS(n) && node[n].work != 0 && IS_EMERGENCY(node[n].work) && said[node[n].work].state == WORK ->
		p = node[n].work; /* it waits no longer */
		forget_work(n);
		pend(n) }
	/* they go to the others, whether or not etcd is reached; who had said them may be anybody */
	:: d_step { !node[n].is_dead && node[n].pending != 0 && !node[(n + 1) % N].is_dead &&
		(node[n].pending & ~node[(n + 1) % N].pending) != 0 -> tell(n, (n + 1) % N) }
	/* pending ones, oldest first */
	:: d_step { TALKS(n) && node[n].work == 0 && node[n].pending != 0 && !no_head && node[n].at == head ->
		w = 1;
		do
		:: !(node[n].pending & BIT(w)) -> w++
		:: else -> break
		od;
		find_said(w, head);
#ifdef NO_IDENTITY
		t = 0;
#endif
		if
		:: t != 0 -> node[n].pending = node[n].pending & ~BIT(w)
		:: else ->
			find_conflict(w, node[n].at);
			node[n].work = w;
			if
			:: !conflict -> ask(n, PLAIN, 0)
			:: conflict && said[w].value > VALUE(node[n], said[w].object) -> ask(n, WINS, 0)
			:: else -> ask(n, LOSES, 0)
			fi
		fi }

	/* -- requests: the same again, until there is an answer -- */
	:: d_step { TALKS(n) && asked[n].is_there ->
		load(asked, n); write_entry(n);
		if
		:: is && log[head].before == node[n].at -> apply(n, head)
		:: is && log[head].before != node[n].at -> skip
		:: else -> be_refused(n)
		fi }
	:: d_step { TALKS(n) && asked[n].is_there && losses < LOSSES && HEAD_IS(asked[n].base, asked[n].revision) && TURN_IS(asked[n].turn) ->
		losses++;
		load(asked, n); write_entry(n);
#ifdef BLIND_RETRY
		asked[n].base = head;
#endif
#ifdef GIVES_UP
		if
		:: said[node[n].work].state == WORK && !IS_EMERGENCY(node[n].work) -> said[node[n].work].state = FAILED; give_turn(n); forget_work(n)
		:: else
		fi
#endif
		}
	:: d_step { TALKS(n) && asked[n].is_there && losses < LOSSES && !late[n].is_there ->
		losses++;
		late[n].is_there = true;
		late[n].said = asked[n].said;
		late[n].base = asked[n].base;
		late[n].revision = asked[n].revision;
		late[n].turn = asked[n].turn;
		late[n].kind = asked[n].kind;
#ifdef GIVES_UP
		if
		:: said[node[n].work].state == WORK && !IS_EMERGENCY(node[n].work) -> said[node[n].work].state = FAILED; give_turn(n); forget_work(n)
		:: else
		fi
#endif
		}
	:: d_step { late[n].is_there ->
		load(late, n); write_entry(n);
		late[n].is_there = false;
		late[n].said = 0; late[n].base = 0; late[n].revision = 0; late[n].turn = 0; late[n].kind = 0 }

	/* -- following -- */
	:: d_step { TALKS(n) && !no_head && node[n].at != head ->
		find_entry(node[n].at, head);
		if
		:: log[node[n].at].seq < kept && log[head].seq >= kept -> adopt(n) /* has been away for long */
		:: else ->
			if
			:: is -> find_next(node[n].at, head); u = t; apply(n, u)
			:: else -> node[n].is_estranged = true
			fi
		fi }
	:: d_step { TALKS(n) && no_head && !node[n].refills -> node[n].is_estranged = true }
	:: d_step { !node[n].is_dead && !node[n].is_cut && node[n].is_estranged && !no_head && !node[n].refills && node[n].at == head -> node[n].is_estranged = false }
	/* what it was doing has no sense any more */
	:: d_step { !node[n].is_dead && node[n].is_estranged && !node[n].is_cut && node[n].work != 0 && !(IS_EMERGENCY(node[n].work) && said[node[n].work].state == WORK) ->
		if
		:: said[node[n].work].state == WORK -> said[node[n].work].state = UNKNOWN
		:: else
		fi;
		give_turn(n);
		forget_work(n) }

	/* -- what an operator does about an estranged one -- */
	:: d_step { !node[n].is_dead && !node[n].is_cut && node[n].is_estranged && node[n].work == 0 && !no_head &&
		!node[n].refills -> adopt(n) }
	:: d_step { !node[n].is_dead && !node[n].is_cut && node[n].is_estranged && node[n].work == 0 && !node[n].refills && turn == 0 &&
		HIGHEST(n) && (no_head || SEQ(head) < SEQ(node[n].at)) ->
		turns++;
		turn = turns;
		node[n].turn = turn;
		node[n].refills = true;
		no_head = true;
		head = 0 }
	:: d_step { !node[n].is_dead && !node[n].is_cut && node[n].refills ->
		if
		:: no_head && turn == node[n].turn ->
			no_head = false;
			head = node[n].at;
			kept = log[head].seq;
#ifdef REVISION_ONLY
			revision++;
#endif
			node[n].is_estranged = false
		:: else
		fi;
		give_turn(n);
		node[n].refills = false }

	/* -- what goes wrong, and what mends -- */
	:: d_step { !node[n].is_dead && crashes < CRASHES -> crashes++; die(n) }
	:: d_step { node[n].is_dead -> node[n].is_dead = false }
	:: d_step { !node[n].is_dead && !node[n].is_cut && cuts < CUTS -> cuts++; node[n].is_cut = true }
	:: d_step { node[n].is_cut -> node[n].is_cut = false }
	:: d_step { turn != 0 && turn == node[n].turn && expiries < EXPIRIES -> expiries++; turn = 0 }
	od
}

proctype Etcd()
{
end:
	do
	:: d_step { turn != 0 && !IS_HELD -> turn = 0 } /* who had it is gone */
#if EMPTIED
	:: d_step { !no_head && emptied < EMPTIED -> emptied++; no_head = true; head = 0; turn = 0 }
#endif
#if RESTORED
	:: atomic { !no_head && restored < RESTORED && log[head].seq > kept ->
		restored++;
		do
		:: log[head].seq > kept -> head = log[head].before; if :: log[head].seq > kept :: true -> break fi
		od;
#ifdef REVISION_ONLY
		revision = log[head].revision;
#endif
		turn = 0 }
#endif
	od
}

/* ---- the end ---- */

inline check_end()
{
	assert(!no_head && turn == 0);
	x = 0;
	do
	:: x < N ->
		assert(!node[x].is_dead && !node[x].is_estranged && node[x].work == 0 && !late[x].is_there);
		assert(node[x].at == head);
		assert(node[x].value0 == log[head].value0 && node[x].value1 == log[head].value1);
		assert(node[x].pending == 0);
		x++
	:: else -> break
	od;
	x = 1;
	do
	:: x <= spoken ->
		find_said(x, head);
		assert(said[x].state != WORK);
		assert((said[x].state != ACKED && said[x].state != PROVISIONAL) || t != 0 || said[x].told);
		assert(said[x].state != FAILED || t == 0 || restored != 0);
		w = 0; /* what it lost to it, or itself: an operator sees it, or has decided since */
		if
		:: t != 0 && log[t].kind == LOSES -> w = x
		:: t != 0 && log[t].kind == WINS -> u = log[t].before; u = CHANGED(u, said[x].object); w = log[u].said
		:: else
		fi;
		u = head;
		is = (w == 0) || ((said[x].object -> log[head].lost1 : log[head].lost0) & BIT(w)) != 0;
		do
		:: w != 0 && u != t ->
			is = is || (log[u].kind == PLAIN && log[u].said != 0 && !IS_EMERGENCY(log[u].said) && said[log[u].said].object == said[x].object);
			u = log[u].before
		:: else -> break
		od;
		assert(is);
		x++
	:: else -> break
	od
}

init {
	atomic {
		log[0].value0 = NONE;
		log[0].value1 = NONE;
		do
		:: i < N -> node[i].value0 = NONE; node[i].value1 = NONE; run Node(i); i++
		:: else -> break
		od;
		i = 0;
		run Etcd()
	}
	timeout;
	d_step { check_end() }
}
