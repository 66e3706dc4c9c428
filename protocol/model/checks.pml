/* What must hold, from SPEC.md alone. The names are those of docs/properties.md.
 *
 * MONEY-1    AR + DR = CT (REG-2)
 * MONEY-6    CT after a voucher is what it says (REG-4, REG-6)
 * MONEY-7    no voucher is applied by another PSD (REG-6)
 * MONEY-8    no voucher number is applied twice in one memory (REG-6)
 * MONEY-10   CT of an honest machine is what is posted, or that and the outstanding
 *            effect: no value is created or lost (REG-5)
 * ONCE-1     no more vouchers take effect than requests were typed (DLG-14.4)
 * LEDGER-5   what is posted is the CT that the books expect (REG-5)
 * LEDGER-6   what is reserved is what is outstanding (REG-7.3, REG-8)
 * LEDGER-11  funds, reserved and posted are what was paid in (REG-8)
 * PENDING-1  a STATEMENT carries what was asked and not answered (DLG-4.2, DLG-4.3)
 * FREEZE-1   a cheat that the line shows is frozen when it is judged (DLG-7.2, REG-3)
 * FREEZE-2   an honest machine is never frozen (REG-9)
 * LIVE-1     no side waits for ever: whatever happens, calm can come
 * LIVE-2     after calm nothing is pending, outstanding or frozen, and both sides agree
 */

#define TEXT(words) #words
#define HOLDS(name, condition) \
  if \
  :: (condition) -> skip \
  :: else -> printf(TEXT(broken: name\n)); assert(false) \
  fi

inline check_money() {
  HOLDS(LEDGER-11, funds + reserved + posted == DEPOSIT);
  HOLDS(LEDGER-6, reserved == (okind == RECHARGE -> oamount : 0));
  HOLDS(LEDGER-5, posted == total);
  i = 0;
  do
  :: i < BODIES ->
    HOLDS(MONEY-1, body[i].ar + body[i].dr == body[i].ct);
    HOLDS(MONEY-10, CHEATED || i > 0 || body[i].ct == posted
      || (okind != NOTHING && body[i].ct == posted + EFFECT(okind, oamount)));
    i++
  :: else -> break
  od;
  i = 0
}

inline check_once(b, number, kind) {
  HOLDS(MONEY-8, !(body[b].taken & (1 << number)));
  body[b].taken = body[b].taken | (1 << number);
  if
  :: kind != VOID && !CHEATED ->
    granted_effects++;
    HOLDS(ONCE-1, granted_effects <= WISHES - wishes)
  :: else
  fi
}

inline check_pending(b) {
  HOLDS(PENDING-1, body[b].pkind == body[b].akind && body[b].pamount == body[b].aamount)
}

inline check_frozen_rightly() {
#ifdef STALE
  skip
#else
  HOLDS(FREEZE-2, CHEATED)
#endif
}

#ifdef CHEATS
/* What the server has been told of either memory since they parted. */
bit parted;
unsigned parted_mark : 3;
unsigned parted_n : 3;
unsigned parted_ar : 4;
unsigned owner : 2;     /* clone: body + 1 that has shown a mark of its own since */
bit told;               /* image: something newer than the image was told */
unsigned since : 3;     /* image: the first call after it was put back, + 1 */
#endif

inline check_seen(c) {
  /* A STATEMENT of body `who` was judged in call c and is in order. */
#if defined(CHEATS) && !defined(STALE)
  HOLDS(FREEZE-1, !(told && since != 0 && c + 1 >= since));
  HOLDS(FREEZE-1, !parted || owner == 0 || owner == who + 1)
#else
  skip
#endif
}

inline note_told(c, its_mark, its_n, its_ar) {
  /* The server has accepted this of body `who`, whatever message it came in. */
#ifdef CHEATS
  if
  :: parted && (its_mark != parted_mark || its_n > parted_n || its_ar > parted_ar) ->
    told = told || since == 0 || c + 1 < since;
    if
    :: its_mark != parted_mark -> owner = who + 1
    :: else
    fi
  :: else
  fi
#else
  skip
#endif
}
