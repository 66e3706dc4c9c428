/* The recharge as SPEC.md's DLG and REG clauses state it, for exhaustive checking.
 *
 * One machine identity and its server. What is stored survives a crash, what is not is
 * lost; each `d_step` is one indivisible step: a commit of the PSD, a transaction of the
 * server, or one message given to the line or taken from it. Every step prints its name,
 * so that a counterexample can be replayed against the real code. The comment before a
 * step says which rows of the state tables and which clauses it stands for; a test
 * compares it with the tables and with SPEC.md.
 *
 * machine.pml  the machine's steps; what they are made of is in psd.pml
 * server.pml   the server's steps; what they are made of is in settling.pml
 * world.pml    the line, faults, the person at the server, cheats, calm and the end
 * checks.pml   what must hold: written from REG and DLG, with ghost variables of its own
 *
 * Bounds and configurations are -D switches; docs/model.md lists them with the figures.
 * A PLANT_ switch builds a planted mistake in: only the model has them, never the product.
 */

/* --- how often each step was taken, for the report; no part of the state ------------- */

c_decl {
  static struct { const char *name; long times; } taken_steps[64];

  static long *step_named(const char *name) {
    int k = 0;
    while (taken_steps[k].name && strcmp(taken_steps[k].name, name)) k++;
    taken_steps[k].name = name;
    return &taken_steps[k].times;
  }

  __attribute__((destructor)) static void tell_steps(void) {
    int k;
    for (k = 0; taken_steps[k].name; k++)
      printf("taken: %s %ld\n", taken_steps[k].name, taken_steps[k].times);
  }
}

#define TAKEN(step) c_code { static long *times; if (!times) times = step_named(#step); ++*times; }

/* --- bounds --------------------------------------------------------------------- */

#ifndef CALLS
#define CALLS 3         /* dial-ins; the last is kept for calm, if there is any */
#endif
#if CALLS > 6
#error "the fields of calls and marks have three bits, and SIDE_ALIVE looks at six calls"
#endif
#ifndef FAULTS
#define FAULTS 2        /* cut lines and crashes */
#endif
#ifndef WISHES
#define WISHES 1        /* requests that an operator types; inspections are free */
#endif
#ifndef FRANKS
#define FRANKS 1
#endif
#ifndef DEPOSIT
#define DEPOSIT 3       /* download steps that were paid in */
#endif
#ifndef KEPT
#define KEPT 6          /* vouchers that somebody on the line has recorded */
#endif

#ifdef CLONE
#define BODIES 2
#else
#define BODIES 1
#endif

#if defined(CLONE) || defined(IMAGE)
#define CHEATS
#endif

#ifdef BACKUP
#define CHEATED (cheated || behind)
#else
#define CHEATED cheated
#endif

#if !defined(CHEATS) && !defined(STALE)
#define CALM            /* liveness is claimed: the calm dial-ins settle everything */
#ifdef BACKUP
#define CALM_CALLS 3    /* present the voucher, be told of the mark, be settled */
#else
#define CALM_CALLS 1
#endif
#define BUSY_CALLS (CALLS - CALM_CALLS)
#else
#define BUSY_CALLS CALLS
#endif

/* --- words ---------------------------------------------------------------------- */

/* kinds of requests and vouchers */
#define NOTHING 0
#define RECHARGE 1
#define WITHDRAWAL 2
#define REFUND 3
#define VOID 4

/* stages of the machine in a dial-in; PARTING stands for ORDERED, FETCHING, REPORTING */
#define IDLE 0
#define GREETING 1
#define STATED 2
#define APPLIED 3       /* the voucher is stored, the CONFIRMATION not sent yet */
#define AWAITING 4      /* AWAITING_RECEIPT */
#define PARTING 5
#define PRESENTING 6

/* situations of the server's side of a call; GREETED is IDENTIFYING and JUDGING, too */
#define ENDED 0
#define GREETED 1
#define DELIVERED 2
#define CLOSED 3
#define FROZEN 4
#define UNSTORED 5      /* only in planted variants */

/* messages up and down */
#define NONE 0
#define STATEMENT 1
#define CONFIRMATION 2
#define GOODBYE 3
#define LAST_VOUCHER 4

#define VOUCHER 1
#define RECEIPT 2
#define REFUSAL 3           /* with receipt_follows 0 */
#define REFUSAL_AHEAD 4     /* the same, NUMBER_AHEAD */
#define REFUSAL_RECEIPT 5   /* REFUSAL with receipt_follows 1, and the RECEIPT behind it */
#define ACK 6

/* verdicts on a STATEMENT or CONFIRMATION */
#define IN_ORDER 0
#define DISCREPANCY 1
#define AHEAD 2

/* what settling found */
#define POST 1
#define VOIDED 2

#define EFFECT(kind, amount) \
  (kind == RECHARGE -> amount : ((kind == WITHDRAWAL || kind == REFUND) -> -(amount) : 0))

/* --- what there is -------------------------------------------------------------- */

typedef Body {          /* a PSD memory and what stands around it */
  /* stored */
  unsigned n : 3;       /* recharge number */
  unsigned ct : 4;      /* control total */
  unsigned ar : 4;      /* ascending register */
  unsigned dr : 4;      /* descending register */
  unsigned pkind : 3;   /* pending request */
  unsigned pamount : 4;
  unsigned mark : 3;    /* of call c it is c + 1: each RECEIPT has its own */
  unsigned dial_in : 3;
  bit withdrawn;
  bit holds;            /* there is a voucher to present */
#ifdef BACKUP
  unsigned lkind : 3;   /* the voucher applied last, which it can present */
  unsigned lamount : 4;
  unsigned lbefore : 4;
#endif
  /* ghosts, which go with the memory */
  unsigned akind : 3;   /* what was asked for and is not answered */
  unsigned aamount : 4;
  byte taken;           /* bit n: voucher number n was applied */
  /* lost when the power fails */
  unsigned stage : 3;
  unsigned call : 3;    /* the call it is in, + 1; 0 for none */
}

typedef Call {
  unsigned body : 1;
  /* the server's side, lost when it crashes */
  unsigned side : 3;
  bit newest;           /* of this machine's calls it was judged last */
  bit overtaken;        /* a STATEMENT in order was judged since its link was set up */
  bit held;             /* the answer is committed, not sent */
  /* the line */
  bit cut;              /* it is lost; either side may find out, at its own time */
  unsigned up : 3;      /* a message of the machine on its way */
  unsigned un : 3;      /* and what it says */
  unsigned uct : 4;
  unsigned uar : 4;
  unsigned udr : 4;
  unsigned umark : 3;
  unsigned udial_in : 3;
  unsigned ukind : 3;
  unsigned uamount : 4;
  bit uwithdrawn;
  unsigned down : 3;    /* a message of the server on its way, or held */
  unsigned dkind : 3;
  unsigned dn : 3;
  unsigned damount : 4;
  unsigned dct : 4;     /* CT before */
  unsigned dmark : 3;
  bit dcleared;         /* disposition of a REFUSAL */
}

Body body[BODIES];
#ifdef IMAGE
Body image;
#endif
Call call[CALLS];
byte calls;             /* so many were dialled */

/* the server's books */
unsigned s : 3;         /* number of the last recharge settled */
unsigned total : 4;     /* CT that they expect: base + settled */
unsigned okind : 3;     /* the outstanding recharge; NOTHING for none */
unsigned oamount : 4;
bit ovoid;              /* a VOID is stored for it */
byte funds = DEPOSIT;
byte reserved;
byte posted;
unsigned acknowledged : 3;
unsigned issued : 3;    /* 0 for none: enrolment's mark 0 is never issued */
unsigned last_ar : 4;   /* accepted last */
unsigned last_dial_in : 3;
bit frozen;

#ifdef STALE
/* what somebody on the line has recorded */
typedef Voucher { unsigned kind : 3; unsigned number : 3; unsigned amount : 4; unsigned before : 4 }
typedef Answer { unsigned message : 3; unsigned number : 3 }
Voucher kept_voucher[KEPT];
byte kept;
Answer kept_answer[CALLS];
#endif

#ifdef BACKUP
typedef Books {
  unsigned s : 3; unsigned total : 4; unsigned okind : 3; unsigned oamount : 4; bit ovoid;
  byte funds; byte reserved; byte posted; unsigned acknowledged : 3; unsigned issued : 3;
  unsigned last_ar : 4; unsigned last_dial_in : 3
}
Books backup;
bit backed_up;
bit restored;
/* what a person looks at: the last STATEMENT, and the voucher that was presented */
unsigned stated_n : 3;
unsigned stated_ct : 4;
unsigned stated_mark : 3;
unsigned shown_n : 3;
unsigned shown_kind : 3;
unsigned shown_amount : 4;
unsigned shown_before : 4;
/* ghosts */
bit behind;             /* the books are older than the machine */
bit beyond;             /* two vouchers or more were lost: no voucher proves them all */
#endif

/* budgets */
byte faults = FAULTS;
byte wishes = WISHES;
byte franks = FRANKS;
bit calm;

/* ghosts of the checks */
bit cheated;
byte granted_effects;   /* vouchers but VOID that were applied */

/* used inside one step only, and 0 between two */
byte verdict;
byte settlement;
byte i;
byte who;
byte mine;

#include "checks.pml"
#include "psd.pml"
#include "settling.pml"
#include "machine.pml"
#include "server.pml"
#include "world.pml"

init {
  atomic {
    byte k = 0;
    do
    :: k < BODIES -> run machine(k); k++
    :: else -> break
    od;
    k = 0;
    do
    :: k < CALLS -> run server_side(k); run line(k); k++
    :: else -> k = 0; break
    od;
    run world()
  }
}
