/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The barrier by which all nodes of a cluster go over to another bundle of configuration (doc/cluster.md, src/cluster/rollout.c),
 * for spin. What all were told is one object, {active, next, round}, which entries change one after the other. Each node fetches and
 * checks `next`, holds it, and says so in a record of its own, which comes later, or never. One that works (or thinks so) decides by
 * the records, and what it decided is written later, if nothing else was since. Nodes crash, are cut off, load something else, cannot
 * take it, or hang; etcd goes away, and nobody is heard of for a while. Every order of that within the budgets is looked at;
 * tests/model/check also leaves out one rule after the other, which has to be found.
 */
#ifndef N
#define N 2 /* nodes */
#endif
#ifndef BEGINS
#define BEGINS 2 /* bundles that are to be active, one after the other */
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef CUTS
#define CUTS 0 /* a node from etcd */
#endif
#ifndef RELOADS
#define RELOADS 0 /* another view serves, and what is held is of no use any more */
#endif
#ifndef CANNOTS
#define CANNOTS 0
#endif
#ifndef HANGS
#define HANGS 0 /* a check never ends */
#endif
#ifndef OUTAGES
#define OUTAGES 0 /* of etcd: nobody is heard of, till he comes back */
#endif
#ifndef MAJORITY
#define MAJORITY 0
#endif

#define ENTRIES (2 * BEGINS)
#define BUNDLES 2

#define WORKS 0
#define READY 1
#define FAILED 2

typedef state_t {
	unsigned serving : 2; /* a bundle; 0: none */
	unsigned next : 2;
	byte round; /* of next; 0: there is none */
};

typedef node_t {
	/* local store, and disk */
	byte at; /* entries that it has applied */
	unsigned serves : 2;
	/* memory */
	unsigned held : 2; /* compiled, to be taken at once */
	unsigned is : 2;
	bit is_dead, is_cut, hangs;
	/* its record in etcd, and whether its beats are heard */
	byte told_round;
	unsigned told_bundle : 2;
	unsigned told_is : 2;
	bit is_fresh;
	/* what it has decided and not written yet: 0: nothing */
	bit thinks; /* that it has the work */
	byte judged_at;
	unsigned decides : 2;
	/* for the proof only */
	byte ready_round; /* it was ready then, and said so */
	byte excused;     /* … but has crashed, was cut off or has loaded something else in this round, or was not there when it began */
};

#define ACTIVATE 1
#define GIVE_UP 2

state_t log[ENTRIES + 1];
node_t node[N];
byte head, rounds, cancels, crashes, cuts, reloads, cannots, hangs, outages;
bit has_worker;
bit settled; /* whoever is not fresh is not there */
hidden byte i, count;

#define IS_UP(n) (!node[n].is_dead && !node[n].is_cut)
#define NEXT(n) log[node[n].at].next
#define ROUND(n) log[node[n].at].round

/* how node k is with what node n knows to be under way */
#ifdef NO_ROUND
#define IS_ABOUT(k, n) (node[k].told_round != 0 && node[k].told_bundle == NEXT(n))
#else
#define IS_ABOUT(k, n) (node[k].told_round == ROUND(n))
#endif
#ifdef NO_SETTLING
#define IS_GONE(k, n) (!node[k].is_fresh)
#else
#define IS_GONE(k, n) (!node[k].is_fresh && settled)
#endif
#define IS_READY(k, n) (node[k].is_fresh && IS_ABOUT(k, n) && node[k].told_is == READY)
#define IS_FAILED(k, n) (node[k].is_fresh && IS_ABOUT(k, n) && node[k].told_is == FAILED)
#define IS_ON_WAY(k, n) (!IS_GONE(k, n) && !IS_READY(k, n) && !IS_FAILED(k, n))
#define IS_SEEN(k, n) (node[k].is_fresh || !IS_UP(k))
#define IS_HUNG(k, n) (node[k].hangs)
#if N == 2
#define SUM(what, n) (what(0, n) + what(1, n))
#else
#define SUM(what, n) (what(0, n) + what(1, n) + what(2, n))
#endif
#ifdef OF_FRESH
#define IS_ENOUGH(n) (SUM(IS_READY, n) > (N - SUM(IS_GONE, n)) / 2)
#else
#define IS_ENOUGH(n) (SUM(IS_READY, n) > N / 2)
#endif
#ifdef NO_UNTIL
#define IS_OVER(n) false
#else
#define IS_OVER(n) (SUM(IS_HUNG, n) != 0) /* else there is time enough */
#endif
#ifdef IGNORES_FAILED
#define HAS_FAILED(n) false
#else
#define HAS_FAILED(n) (SUM(IS_FAILED, n) != 0)
#endif
#define IS_DONE(n) (SUM(IS_ON_WAY, n) == 0)
#if MAJORITY
#define MAY_ACTIVATE(n) ((IS_DONE(n) || IS_OVER(n)) && IS_ENOUGH(n))
#define MAY_GIVE_UP(n) ((IS_DONE(n) || IS_OVER(n)) && !IS_ENOUGH(n))
#else
#define MAY_ACTIVATE(n) (!HAS_FAILED(n) && IS_DONE(n) && SUM(IS_READY, n) != 0)
#define MAY_GIVE_UP(n) (HAS_FAILED(n) || (IS_OVER(n) && !IS_DONE(n)))
#endif

/* ---- entries ---- */

/* All who are there were ready in this round, or most of all. */
inline check_active()
{
	count = 0;
	i = 0;
	do
	:: i < N ->
		if
		:: node[i].ready_round == log[head].round -> count++
		:: else -> assert(MAJORITY || node[i].excused == log[head].round)
		fi;
		i++
	:: else -> break
	od;
	assert(!MAJORITY || count > N / 2)
}

/* What was decided lands, if it may. */
inline write_decision(n)
{
	d_step {
#ifdef NO_CAS
		if
		:: head < ENTRIES ->
#else
		if
		:: head == node[n].judged_at && log[head].next != 0 ->
#endif
			assert(log[head].round == log[node[n].judged_at].round); /* once, and not after it was cancelled */
			log[head + 1].round = 0;
			log[head + 1].next = 0;
			log[head + 1].serving = log[head].serving;
			if
			:: node[n].decides == ACTIVATE ->
				check_active();
				log[head + 1].serving = log[node[n].judged_at].next
			:: else
			fi;
			head++
		:: else
		fi;
		node[n].decides = 0;
		node[n].judged_at = 0
	}
}

inline serve(n, which)
{
	i = 0;
	count = 0;
	do
	:: i <= head -> count = count + (log[i].serving == which); i++
	:: else -> break
	od;
	assert(count != 0); /* nobody serves what all have not agreed upon */
	node[n].serves = which
}

inline excuse(n)
{
	node[n].excused = log[head].round
}

inline forget(n)
{
	node[n].held = 0;
	node[n].is = WORKS
}

/* The next one of the log is in force here. */
inline apply(n)
{
	d_step {
		node[n].at++;
		if
		:: NEXT(n) != 0 -> forget(n) /* another round */
		:: else ->
			if
			:: log[node[n].at].serving == node[n].held && node[n].held != 0 && node[n].serves != node[n].held ->
				serve(n, node[n].held)
			:: else
			fi;
			forget(n)
		fi
	}
}

proctype Node(byte n)
{
end:
	do
	:: atomic { IS_UP(n) && node[n].at < head -> apply(n) }

	/* fetch, compile, hold: or not */
	:: atomic { !node[n].is_dead && !node[n].hangs && NEXT(n) != 0 && node[n].is == WORKS ->
		if
		:: node[n].held = NEXT(n); node[n].is = READY
		:: cannots < CANNOTS -> cannots++; node[n].is = FAILED
		:: hangs < HANGS -> hangs++; node[n].hangs = true
		fi
#ifdef EARLY
		;
		if
		:: node[n].is == READY -> serve(n, node[n].held)
		:: else
		fi
#endif
	}

	/* its record, as it is by now */
	:: atomic { IS_UP(n) && NEXT(n) != 0 && (node[n].told_round != ROUND(n) || node[n].told_is != node[n].is || !node[n].is_fresh) ->
		node[n].told_round = ROUND(n);
		node[n].told_bundle = NEXT(n);
		node[n].told_is = node[n].is;
		node[n].is_fresh = true;
		if
		:: node[n].is == READY -> node[n].ready_round = ROUND(n)
		:: else
		fi
	}
	:: atomic { IS_UP(n) && NEXT(n) == 0 && !node[n].is_fresh -> node[n].is_fresh = true }

	/* what is active and not here is fetched and loaded as soon as it can be */
#ifndef NO_CATCHING_UP
	:: atomic { !node[n].is_dead && NEXT(n) == 0 && node[n].at == head && node[n].serves != log[head].serving && log[head].serving != 0 ->
		serve(n, log[head].serving) }
#endif

	/* the work */
	:: atomic { IS_UP(n) && !has_worker && !node[n].thinks -> node[n].thinks = true; has_worker = true }
	/* by the records, on what is applied here */
	:: atomic { IS_UP(n) && node[n].thinks && node[n].decides == 0 && NEXT(n) != 0 && MAY_ACTIVATE(n) ->
		node[n].decides = ACTIVATE; node[n].judged_at = node[n].at }
	:: atomic { IS_UP(n) && node[n].thinks && node[n].decides == 0 && NEXT(n) != 0 && MAY_GIVE_UP(n) ->
		node[n].decides = GIVE_UP; node[n].judged_at = node[n].at }
	:: atomic { node[n].decides != 0 && !node[n].is_dead -> write_decision(n) } /* late, also */

	/* what goes wrong */
	:: atomic { crashes < CRASHES && !node[n].is_dead ->
		crashes++;
		excuse(n);
		node[n].is_dead = true;
		node[n].hangs = false;
		node[n].decides = 0; node[n].judged_at = 0;
		if
		:: node[n].thinks -> node[n].thinks = false; has_worker = false
		:: else
		fi;
		forget(n) }
	:: atomic { node[n].is_dead -> excuse(n); node[n].is_dead = false }
	:: atomic { cuts < CUTS && !node[n].is_cut && !node[n].is_dead -> cuts++; excuse(n); node[n].is_cut = true; has_worker = has_worker && !node[n].thinks }
	:: atomic { node[n].is_cut -> excuse(n); node[n].is_cut = false; node[n].thinks = false }
	:: atomic { (node[n].is_dead || node[n].is_cut) && node[n].is_fresh -> node[n].is_fresh = false }
	:: atomic { reloads < RELOADS && !node[n].is_dead && node[n].held != 0 -> reloads++; excuse(n); forget(n) }
	od
}

/* ---- operators, and etcd: each order has the turn, and is judged on what holds ---- */

active proctype World()
{
	byte k;
	settled = true;
	atomic {
		do
		:: k < N -> node[k].is_fresh = true; run Node(k); k++
		:: else -> break
		od;
		k = 0
	}
	do
	:: atomic { rounds < BEGINS && log[head].next == 0 && head + 2 <= ENTRIES ->
		log[head + 1].serving = log[head].serving;
		if
		:: log[head].serving != 1 -> log[head + 1].next = 1
		:: log[head].serving != 2 -> log[head + 1].next = 2
		fi;
		rounds++;
		log[head + 1].round = rounds;
		head++;
		do
		:: k < N ->
			if
			:: !IS_UP(k) || !node[k].is_fresh -> excuse(k) /* also: it has just come, and has not been heard of */
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0 }
	:: atomic { cancels < CANCELS && log[head].next != 0 ->
		cancels++;
		log[head + 1].serving = log[head].serving;
		head++ }
	:: atomic { outages < OUTAGES ->
		outages++;
		settled = false;
		do
		:: k < N -> node[k].is_fresh = false; k++
		:: else -> break
		od;
		k = 0 }
	:: atomic { !settled && SUM(IS_SEEN, 0) == N -> settled = true } /* who can be heard of has been, by then */
	:: timeout -> break
	od;
	/* all have come to rest */
	assert(log[head].next == 0);
	do
	:: k < N ->
		assert(node[k].at == head && node[k].serves == log[head].serving);
		k++
	:: else -> break
	od
}
