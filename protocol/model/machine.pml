/* The machine: what its PSD stores, and its side of the dialogue. */

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

/* --- its steps -------------------------------------------------------------------- */

proctype machine(byte b) {
end:
  do
  /* step: dial
   * An operator types a request, or the machine dials again by itself: with what is
   * pending, or else to inspect. Request and number are stored in this step.
   * rows: machine READY Dialled; server READY Greeting1Received
   * clauses: DLG-4.2 DLG-4.4 DLG-14.1 DLG-14.4 REG-6.1 */
  :: d_step { MAY_DIAL -> dial(b, body[b].pkind, body[b].pamount) }
  :: d_step { MAY_TYPE -> ask(b, RECHARGE, 1) }
  :: d_step { MAY_TYPE -> ask(b, RECHARGE, 2) }
#ifdef RETURNS
  :: d_step { MAY_TYPE && body[b].dr > 0 -> ask(b, REFUND, 1) }
  :: d_step { MAY_TYPE -> ask(b, WITHDRAWAL, body[b].dr) }
#endif

  /* step: state
   * The greetings have crossed; the STATEMENT leaves with what is stored now.
   * rows: machine GREETING GreetingReceived; psd GREETING StatementSealed
   * clauses: DLG-1.2 DLG-4.2 DLG-4.6 */
  :: d_step { AT(GREETING) && MY.side == GREETED ->
       printf("step: state %d %d\n", b, body[b].call - 1); TAKEN(state);
       check_pending(b);
       body[b].stage = STATED;
       MY.up = STATEMENT;
       say_registers(b);
       MY.umark = body[b].mark;
       MY.udial_in = body[b].dial_in;
       MY.ukind = body[b].pkind;
       MY.uamount = body[b].pamount;
       MY.uwithdrawn = body[b].withdrawn }

#ifdef PLANT_CONFIRM_FIRST
  /* (planted) */
  :: d_step { AT(STATED) && ARRIVED(VOUCHER) && VOUCHER_FITS && MY.up == NONE ->
       printf("step: confirm-unstored %d %d\n", b, body[b].call - 1); TAKEN(confirm_unstored);
       MY.up = CONFIRMATION;
       MY.un = MY.dn;
       MY.uar = body[b].ar;
       MY.udr = body[b].dr + EFFECT(MY.dkind, MY.damount);
       MY.uct = body[b].ct + EFFECT(MY.dkind, MY.damount);
       body[b].stage = APPLIED }
  :: d_step { AT(APPLIED) && ARRIVED(VOUCHER) ->
       printf("step: apply %d %d\n", b, body[b].call - 1); TAKEN(apply);
       body[b].stage = AWAITING;
       store_voucher(b);
       check_money() }
#else
  /* step: apply
   * A VOUCHER came, passes REG-6, and is stored with all that it changes.
   * rows: machine STATED VoucherApplied; psd STATED Voucher
   * clauses: REG-4 REG-6 DLG-4.3 DLG-6.1 */
  :: d_step { AT(STATED) && ARRIVED(VOUCHER) && VOUCHER_FITS ->
       printf("step: apply %d %d\n", b, body[b].call - 1); TAKEN(apply);
       store_voucher(b);
       body[b].stage = APPLIED;
       check_money() }

  /* step: confirm
   * The CONFIRMATION leaves, after what it reports is stored.
   * rows: machine STATED VoucherApplied
   * clauses: DLG-1.4 DLG-6.1 */
  :: d_step { AT(APPLIED) ->
       printf("step: confirm %d %d\n", b, body[b].call - 1); TAKEN(confirm);
       MY.up = CONFIRMATION;
       say_registers(b);
       MY.umark = 0; MY.udial_in = 0; MY.ukind = 0; MY.uamount = 0; MY.uwithdrawn = 0;
       body[b].stage = AWAITING }
#endif

  /* step: refuse-voucher
   * A VOUCHER came and fails a check of REG-6: nothing changes, ERROR VOUCHER.
   * rows: machine STATED Failed; psd STATED Voucher
   * clauses: DLG-5.3 REG-6 */
  :: d_step { AT(STATED) && ARRIVED(VOUCHER) && !VOUCHER_FITS ->
       printf("step: refuse-voucher %d %d\n", b, body[b].call - 1); TAKEN(refuse_voucher);
       leave_early(b) }

  /* step: take-refusal
   * A REFUSAL came whose RECEIPT follows it.
   * rows: machine STATED RefusedInService; psd STATED Refusal
   * clauses: DLG-4.3 DLG-8.2 DLG-8.4 */
  :: d_step { AT(STATED) && ARRIVED(REFUSAL_RECEIPT) ->
       printf("step: take-refusal %d %d\n", b, body[b].call - 1); TAKEN(take_refusal);
       take_refusal(b);
       MY.dcleared = 0;
       MY.down = RECEIPT;
       body[b].stage = AWAITING }

  /* step: take-freeze
   * A REFUSAL alone came: the account is frozen; GOODBYE.
   * rows: machine STATED RefusedByFreeze; machine AWAITING_RECEIPT RefusedByFreeze;
   *   psd STATED Refusal; psd ANSWERED Refusal
   * clauses: DLG-1.6 DLG-8.1 DLG-8.4 */
  :: d_step { (AT(STATED) || AT(AWAITING)) && ARRIVED(REFUSAL) ->
       printf("step: take-freeze %d %d\n", b, body[b].call - 1); TAKEN(take_freeze);
       take_refusal(b);
       say_goodbye(b) }

  /* step: present
   * REFUSAL NUMBER_AHEAD came: the voucher applied last is presented, if there is one.
   * rows: machine STATED RefusedAsAhead; machine PRESENTING NothingToSend;
   *   psd ANSWERED LastVoucherSealed
   * clauses: DLG-8.3 REG-9 */
  :: d_step { AT(STATED) && ARRIVED(REFUSAL_AHEAD) ->
       printf("step: present %d %d\n", b, body[b].call - 1); TAKEN(present);
       take_refusal(b);
       if
       :: body[b].holds ->
         MY.up = LAST_VOUCHER;
#ifdef BACKUP
         MY.un = body[b].n; MY.ukind = body[b].lkind; MY.uamount = body[b].lamount;
         MY.uct = body[b].lbefore;
#endif
         clear_mine(b);
         body[b].stage = PRESENTING
       :: else -> say_goodbye(b)
       fi }

  /* step: voucher-seen
   * The ACK of the LAST_VOUCHER came: GOODBYE.
   * rows: machine PRESENTING Acknowledged; psd PRESENTED Ack
   * clauses: DLG-8.3 */
  :: d_step { AT(PRESENTING) && ARRIVED(ACK) ->
       printf("step: voucher-seen %d %d\n", b, body[b].call - 1); TAKEN(voucher_seen);
       say_goodbye(b) }

  /* step: take-receipt
   * A RECEIPT for the number that this machine has: the mark is stored.
   * rows: machine STATED Receipted; machine AWAITING_RECEIPT Receipted;
   *   psd STATED Receipt; psd ANSWERED Receipt
   * clauses: DLG-7.1 DLG-7.6 */
  :: d_step { (AT(STATED) || AT(AWAITING)) && ARRIVED(RECEIPT) && MY.dn == body[b].n ->
       printf("step: take-receipt %d %d\n", b, body[b].call - 1); TAKEN(take_receipt);
       body[b].mark = MY.dmark;
#ifdef PLANT_RECEIPT_CONFIRMS
       body[b].pkind = NOTHING; body[b].pamount = 0;
#endif
       clear_mine(b);
       body[b].stage = PARTING }

  /* step: part
   * Orders, contents and usage are done (outside this model): GOODBYE with the mark.
   * rows: machine ORDERED OrdersDone; machine REPORTING NothingToSend;
   *   psd RECEIPTED UsageSealed
   * clauses: DLG-1.5 DLG-7.2 */
  :: d_step { AT(PARTING) ->
       printf("step: part %d %d\n", b, body[b].call - 1); TAKEN(part);
       say_goodbye(b) }

  /* step: refuse-message
   * What came has no place at this stage, or is a RECEIPT for another number: ERROR.
   * rows: machine STATED Failed; machine AWAITING_RECEIPT Failed; machine ORDERED Failed;
   *   machine FETCHING Failed; machine REPORTING Failed; machine PRESENTING Failed
   * clauses: DLG-1.1 DLG-7.6 DLG-3.3 */
  :: d_step { (body[b].call != 0 && MY.down != NONE && !MY.held
       && !(AT(STATED) && MY.down != ACK && (MY.down != RECEIPT || MY.dn == body[b].n))
       && !(AT(AWAITING) && (MY.down == REFUSAL || (MY.down == RECEIPT && MY.dn == body[b].n)))
       && !(AT(PRESENTING) && MY.down == ACK) && !AT(APPLIED)) ->
       printf("step: refuse-message %d %d\n", b, body[b].call - 1); TAKEN(refuse_message);
       leave_early(b) }

  /* step: lose-line
   * The machine finds out that its line is lost, or hears an ERROR, or waits too long.
   * rows: machine * LineLost; machine READY Failed; machine GREETING Failed
   * clauses: DLG-13 DLG-14.1 DLG-3.3 */
  :: d_step { body[b].call != 0 && MY.cut ->
       printf("step: lose-line %d %d\n", b, body[b].call - 1); TAKEN(lose_line);
       leave(b) }

  /* step: power-cut
   * The machine's power fails between two commits of its memory.
   * rows: machine * LineLost
   * clauses: DLG-4.2 DLG-14.1 REG-2 */
  :: d_step { body[b].call != 0 && faults > 0 ->
       printf("step: power-cut %d %d\n", b, body[b].call - 1); TAKEN(power_cut);
       faults--;
#ifdef PLANT_PENDING_VOLATILE
       body[b].pkind = NOTHING; body[b].pamount = 0;
#endif
       leave_early(b) }

  /* step: frank
   * A frank is made between two dial-ins; not while value is on its way back.
   * rows:
   * clauses: DLG-4.5 DLG-4.6 REG-2 REG-6.1 REG-6.2 */
  :: d_step { (THERE && AT(IDLE) && !calm && franks > 0 && body[b].dr > 0 && body[b].mark != 0
       && !body[b].withdrawn && !LOCKED) ->
       printf("step: frank %d\n", b); TAKEN(frank);
       franks--;
       body[b].ar++;
       body[b].dr--;
       check_money() }
  od
}
