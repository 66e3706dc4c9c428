/* What the machine's steps are made of: when it may dial, REG-6, what is stored. */

#define MY call[body[b].call - 1]
#define AT(what) (body[b].stage == what)
#define ARRIVED(what) (MY.down == what && !MY.held)

#ifdef BACKUP
/* What the machine's word proves of the outstanding voucher, and of the one presented. */
#define SHOWN_NEXT (shown_n == s + 2 && stated_n > s + 1)
#define PROVES_POST (okind != NOTHING \
  && ((stated_n == s + 1 && stated_ct == total + EFFECT(okind, oamount)) \
    || (SHOWN_NEXT && shown_before == total + EFFECT(okind, oamount))))
#define PROVES_REVERSE (okind != NOTHING && !PROVES_POST \
  && ((stated_n == s + 1 && stated_ct == total) || (SHOWN_NEXT && shown_before == total)))
#define PROVES_LOST (okind == NOTHING && shown_n == s + 1 && stated_n == s + 1 \
  && shown_before == total && stated_ct == total + EFFECT(shown_kind, shown_amount))
#define PROVES_MARK (okind == NOTHING && stated_n == s && stated_ct == total)
#define RESOLVABLE \
  (frozen && (PROVES_POST || PROVES_REVERSE || PROVES_LOST || PROVES_MARK))
#endif

/* --- may it dial? ---------------------------------------------------------------- */

#define ALIVE(k) (k < CALLS && call[k % CALLS].side != ENDED)
#define SIDE_ALIVE \
  (ALIVE(0) || ALIVE(1) || ALIVE(2) || ALIVE(3) || ALIVE(4) || ALIVE(5))

#ifdef LINES
#define LINE_FREE 1     /* the server's side of an earlier call may still be alive */
#else
#define LINE_FREE !SIDE_ALIVE
#endif

#ifdef PLANT_NO_FREEZE
#define MAY_WISH 1
#else
#define MAY_WISH (body[b].pkind == NOTHING)
#endif

#ifdef BACKUP
#define AWAITS_PERSON (calm && RESOLVABLE)
#else
#define AWAITS_PERSON 0
#endif

#ifdef CLONE
#define THERE (b == 0 || parted)
#else
#define THERE 1
#endif

#define MAY_DIAL (THERE && AT(IDLE) && calls < (calm -> CALLS : BUSY_CALLS) && LINE_FREE && !AWAITS_PERSON)
#define MAY_TYPE (!calm && wishes > 0 && MAY_DIAL && MAY_WISH && !body[b].withdrawn)

/* --- REG-6 ----------------------------------------------------------------------- */

#ifdef PLANT_NUMBER
#define NUMBER_FITS (MY.dn <= body[b].n + 1)
#else
#define NUMBER_FITS (MY.dn == body[b].n + 1)
#endif

#ifdef PLANT_CT
#define TOTAL_FITS 1
#else
#define TOTAL_FITS (MY.dct == body[b].ct)
#endif

#ifdef PLANT_FRANK_LOCK
#define LOCKED 0
#else
#define LOCKED (body[b].pkind == WITHDRAWAL || body[b].pkind == REFUND)
#endif

#define REGISTERS_FIT (MY.dkind == RECHARGE || MY.dkind == VOID \
  || (MY.dkind == REFUND && body[b].dr >= MY.damount) \
  || (MY.dkind == WITHDRAWAL && body[b].dr == MY.damount))
#define VOUCHER_FITS (NUMBER_FITS && TOTAL_FITS && REGISTERS_FIT)

/* --- what steps are made of ------------------------------------------------------ */

inline clear_down(c) {
  call[c].down = NONE; call[c].dkind = 0; call[c].dn = 0; call[c].damount = 0;
  call[c].dct = 0; call[c].dmark = 0; call[c].dcleared = 0
}

inline clear_up(c) {
  call[c].up = NONE; call[c].un = 0; call[c].uct = 0; call[c].uar = 0; call[c].udr = 0;
  call[c].umark = 0; call[c].udial_in = 0; call[c].ukind = 0; call[c].uamount = 0;
  call[c].uwithdrawn = 0
}

inline tidy(c) {
  /* Forget what nobody can see any more, so that equal situations are one state. */
  if
  :: body[call[c].body].call != c + 1 && !call[c].held -> clear_down(c)
  :: else
  fi;
  if
  :: call[c].side == ENDED ->
    clear_up(c);
    call[c].newest = 0;
    call[c].overtaken = 0;
    if
    :: body[call[c].body].call != c + 1 -> call[c].cut = 0; call[c].body = 0
    :: else
    fi
  :: else
  fi
}

inline end_side(c) {
  /* The server's side ends; what is committed and not sent is never sent. */
  call[c].side = ENDED;
  if
  :: call[c].held -> call[c].held = 0; clear_down(c)
  :: else
  fi;
  tidy(c)
}

inline clear_mine(b) { mine = body[b].call - 1; clear_down(mine); mine = 0 }

inline leave(b) {
  /* Hang up: of the dial-in nothing is kept but what is stored. */
  mine = body[b].call - 1;
  body[b].stage = IDLE;
  body[b].call = 0;
  tidy(mine);
  mine = 0
}

inline leave_early(b) { MY.cut = 1; leave(b) }

inline ask(b, kind, amount) {
  wishes--;
#ifdef PLANT_NO_FREEZE
  if
  :: body[b].pkind == NOTHING -> body[b].akind = kind; body[b].aamount = amount
  :: else
  fi;
#else
  body[b].akind = kind;
  body[b].aamount = amount;
#endif
  dial(b, kind, amount)
}

inline dial(b, kind, amount) {
  body[b].call = calls + 1;
  body[b].dial_in++;
  body[b].stage = GREETING;
  body[b].pkind = kind;
  body[b].pamount = amount;
  MY.body = b;
  MY.side = GREETED;
  calls++;
  printf("step: dial %d %d %d %d\n", b, calls - 1, kind, amount); TAKEN(dial)
}

inline say_registers(b) {
  MY.un = body[b].n; MY.uct = body[b].ct; MY.uar = body[b].ar; MY.udr = body[b].dr
}

inline say_goodbye(b) {
  MY.up = GOODBYE;
  MY.umark = body[b].mark;
  MY.un = 0; MY.uct = 0; MY.uar = 0; MY.udr = 0;
  leave(b)
}

inline answered(b) {
  /* The pending request has ended. */
  body[b].pkind = NOTHING;
  body[b].pamount = 0;
  body[b].akind = NOTHING;
  body[b].aamount = 0
}

inline store_voucher(b) {
  check_once(b, MY.dn, MY.dkind);
  body[b].dr = body[b].dr + EFFECT(MY.dkind, MY.damount);
#ifndef PLANT_TORN
  body[b].ct = body[b].ct + EFFECT(MY.dkind, MY.damount);
#endif
  HOLDS(MONEY-6, body[b].ct == MY.dct + EFFECT(MY.dkind, MY.damount));
  body[b].n = MY.dn;
  body[b].holds = 1;
#ifdef BACKUP
  body[b].lkind = MY.dkind; body[b].lamount = MY.damount; body[b].lbefore = MY.dct;
#endif
  body[b].withdrawn = body[b].withdrawn || MY.dkind == WITHDRAWAL;
#ifdef PLANT_PENDING_SURVIVES
  body[b].akind = NOTHING; body[b].aamount = 0;
#else
  answered(b);
#endif
  clear_mine(b)
}

inline take_refusal(b) {
  if
  :: MY.dcleared -> answered(b)
  :: else
  fi
}
