/* What the server's transactions are made of: settle, check, decide, store. */

/* --- rules, each with the planted mistake that leaves it out ------------------------ */

#ifdef PLANT_VOID_BLIND
#define SHOWS_VOUCHER(c) (!ovoid && call[c].uct == total + EFFECT(okind, oamount))
#define SHOWS_VOID(c) ovoid
#else
#define SHOWS_VOUCHER(c) (call[c].uct == total + EFFECT(okind, oamount))
#define SHOWS_VOID(c) (ovoid && call[c].uct == total)
#endif

#ifdef PLANT_AR
#define WENT_BACK(c) 0
#else
#define WENT_BACK(c) (call[c].uar < last_ar)
#endif

#if defined(PLANT_MARK)
#define MARK_FITS(c) 1
#elif defined(PLANT_MARK_ONE)
#define MARK_FITS(c) (call[c].umark == (issued != 0 -> issued : acknowledged))
#else
#define MARK_FITS(c) (call[c].umark == acknowledged \
  || (issued != 0 && call[c].umark == issued))
#endif

#ifdef PLANT_DIAL_IN
#define OLD(c) 0
#else
#define OLD(c) (call[c].udial_in < last_dial_in)
#endif

#ifdef PLANT_GENERATION
#define NEWEST(c) 1
#else
#define NEWEST(c) call[c].newest
#endif

#define NOT_GRANTED(c) \
  (call[c].uwithdrawn \
  || (call[c].ukind == RECHARGE && call[c].uamount > funds) \
  || (call[c].ukind == WITHDRAWAL && call[c].uamount != call[c].udr) \
  || (call[c].ukind == REFUND && (call[c].uamount == 0 || call[c].uamount > call[c].udr)))

/* --- what steps are made of ---------------------------------------------------------- */

inline record(c) {
  /* Somebody on the line records every voucher, RECEIPT and REFUSAL that is sent. */
#ifdef STALE
  if
  :: call[c].down == VOUCHER ->
    i = 0;
    do
    :: i < kept && (kept_voucher[i].number != call[c].dn
         || kept_voucher[i].kind != call[c].dkind
         || kept_voucher[i].amount != call[c].damount) -> i++
    :: else -> break
    od;
    if
    :: i == kept ->
      assert(kept < KEPT);
      kept_voucher[i].number = call[c].dn;
      kept_voucher[i].kind = call[c].dkind;
      kept_voucher[i].amount = call[c].damount;
      kept_voucher[i].before = call[c].dct;
      kept++
    :: else
    fi;
    i = 0
  :: call[c].down == RECEIPT || call[c].down == REFUSAL_RECEIPT ->
    kept_answer[c].message = call[c].down;
    kept_answer[c].number = call[c].dn
  :: else
  fi
#else
  skip
#endif
}

inline freeze(c) {
  check_frozen_rightly();
  frozen = 1;
  call[c].side = FROZEN;
  call[c].held = 1;
  call[c].down = (verdict == AHEAD -> REFUSAL_AHEAD : REFUSAL);
  call[c].dcleared = (okind == NOTHING)
}

inline settle_by_number(c) {
  /* REG-5, row by row. */
  settlement = 0;
  verdict = IN_ORDER;
  if
  :: call[c].uar + call[c].udr != call[c].uct -> verdict = DISCREPANCY
  :: else ->
    if
    :: call[c].un == s ->
      if
      :: call[c].uct != total -> verdict = DISCREPANCY
      :: else
      fi
    :: call[c].un < s -> verdict = DISCREPANCY
    :: call[c].un > s + 1 || (call[c].un == s + 1 && okind == NOTHING) -> verdict = AHEAD
    :: else ->
      if
      :: SHOWS_VOUCHER(c) -> settlement = POST
      :: SHOWS_VOID(c) -> settlement = VOIDED
      :: else -> verdict = DISCREPANCY
      fi
    fi
  fi
}

inline check_history(c) {
  /* REG-3, the freeze (REG-9); the mark is looked at by the caller. */
  if
  :: verdict == IN_ORDER && WENT_BACK(c) -> verdict = DISCREPANCY
  :: else
  fi
}

inline post(c) {
  /* REG-5: the settlement becomes entries of the ledger. */
  if
  :: settlement == POST && okind == RECHARGE ->
    reserved = reserved - oamount;
    posted = posted + oamount;
    total = total + oamount
  :: settlement == POST && okind != RECHARGE ->
#ifndef PLANT_CREDIT_EARLY
    funds = funds + oamount;
    posted = posted - oamount;
#endif
    total = total - oamount
  :: settlement == VOIDED ->
    if
    :: okind == RECHARGE ->
#ifndef PLANT_VOID_FREES
      reserved = reserved - oamount;
      funds = funds + oamount
#else
      skip
#endif
    :: else
    fi
  :: else
  fi;
  if
  :: settlement != 0 -> s++; okind = NOTHING; oamount = 0; ovoid = 0
  :: else
  fi
}

inline resend(c) {
  /* REG-7.1: the stored octets, the VOID once there is one. */
  call[c].down = VOUCHER;
  call[c].dn = s + 1;
  call[c].dct = total;
  call[c].dkind = (ovoid -> VOID : okind);
  call[c].damount = (ovoid -> 0 : oamount);
  call[c].side = DELIVERED
}

inline send_anew(c) {
  /* (planted) The outstanding voucher is made anew, for what is asked now. */
  if
#ifdef PLANT_NEW_ID
  :: call[c].ukind == RECHARGE && call[c].uamount <= funds ->
    funds = funds - call[c].uamount;
    reserved = reserved + call[c].uamount;
    oamount = call[c].uamount;
    resend(c)
#else
  :: call[c].ukind == RECHARGE ->
    resend(c);
    call[c].damount = call[c].uamount
#endif
  :: else -> resend(c)
  fi
}

inline grant(c) {
  /* REG-8: reserve and store, in this transaction. */
  okind = call[c].ukind;
  oamount = call[c].uamount;
  if
  :: okind == RECHARGE -> funds = funds - oamount; reserved = reserved + oamount
  :: else
  fi;
#ifdef PLANT_CREDIT_EARLY
  if
  :: okind != RECHARGE -> funds = funds + oamount; posted = posted - oamount
  :: else
  fi;
#endif
  resend(c)
}

inline close(c, message) {
  call[c].down = message;
  call[c].dn = s;
  call[c].dmark = c + 1;
  call[c].dcleared = (message == REFUSAL_RECEIPT);
  call[c].side = CLOSED;
  issued = c + 1
}

inline overtake(c) {
  /* Every other link that is up was set up before this judgement. */
  i = 0;
  do
  :: i < CALLS ->
    if
    :: i != c && call[i].side != ENDED -> call[i].overtaken = 1; call[i].newest = 0
    :: else
    fi;
    i++
  :: else -> break
  od;
  i = 0
}

inline supersede(c) {
  call[c].cut = 1;
  end_side(c)
}

inline forget_verdict() {
  verdict = 0;
  settlement = 0;
  who = 0
}

inline judge_statement(c) {
  settle_by_number(c);
#ifdef PLANT_CHECK_FIRST
  if
  :: call[c].uct != total -> verdict = DISCREPANCY
  :: else
  fi;
#endif
  check_history(c);
  if
  :: verdict == IN_ORDER && !MARK_FITS(c) -> verdict = DISCREPANCY
  :: else
  fi;
  if
  :: verdict == IN_ORDER && frozen -> verdict = DISCREPANCY
  :: else
  fi;
  if
  :: OLD(c) && (verdict == IN_ORDER || call[c].overtaken) -> supersede(c)
  :: else ->
    overtake(c);
    call[c].newest = 1;
#ifdef BACKUP
    stated_n = call[c].un; stated_ct = call[c].uct; stated_mark = call[c].umark;
#endif
    call[c].held = 1;
    if
    :: verdict != IN_ORDER -> freeze(c)
    :: else ->
      who = call[c].body;
      check_seen(c);
      note_told(c, call[c].umark, call[c].un, call[c].uar);
#ifdef PLANT_ASKED_AGAIN
      if
      :: settlement == POST && call[c].ukind == NOTHING ->
        call[c].ukind = okind; call[c].uamount = oamount
      :: else
      fi;
#endif
      post(c);
      last_ar = call[c].uar;
      last_dial_in = call[c].udial_in;
      acknowledged = call[c].umark;
      issued = 0;
      if
#if defined(PLANT_NEW_ID) || defined(PLANT_REBUILT)
      :: okind != NOTHING -> send_anew(c)
#else
      :: okind != NOTHING -> resend(c)
#endif
      :: else ->
        if
        :: call[c].ukind == NOTHING -> close(c, RECEIPT)
        :: call[c].ukind != NOTHING && NOT_GRANTED(c) -> close(c, REFUSAL_RECEIPT)
        :: else -> grant(c)
        fi
      fi
    fi;
    clear_up(c)
  fi
}

inline judge_confirmation(c) {
  settle_by_number(c);
  check_history(c);
  if
  :: verdict == IN_ORDER && (frozen || settlement == 0) -> verdict = DISCREPANCY
  :: else
  fi;
  call[c].held = 1;
  if
  :: verdict != IN_ORDER -> freeze(c)
  :: else ->
    who = call[c].body;
    note_told(c, acknowledged, call[c].un, call[c].uar);
    post(c);
    last_ar = call[c].uar;
    close(c, RECEIPT)
  fi;
  clear_up(c)
}
