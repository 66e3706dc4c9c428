/* What must hold, from SPEC.md alone.
 *
 * MONEY     AR + DR = CT (REG-2); funds + reserved + posted = deposited; what is reserved
 *           is what is outstanding (REG-7.3); CT of an honest machine is what is posted,
 *           or that and the outstanding effect (REG-5): no value is created or lost.
 * ONCE      no voucher number is applied twice in one memory (REG-6); no more vouchers
 *           take effect than requests were typed (DLG-14.4).
 * PENDING   every STATEMENT carries what was asked and not answered (DLG-4.2, DLG-4.3).
 * HONEST    with the channel, an honest machine is never frozen (REG-9).
 * VISIBLE   a cheat that the line shows is frozen at the next STATEMENT judged (DLG-7.2,
 *           REG-3).
 */

inline check_money() {
  assert(funds + reserved + posted == DEPOSIT);
  assert(reserved == (okind == RECHARGE -> oamount : 0));
  assert(posted == total);
  i = 0;
  do
  :: i < BODIES ->
    assert(body[i].ar + body[i].dr == body[i].ct);
    assert(CHEATED || i > 0 || body[i].ct == posted
      || (okind != NOTHING && body[i].ct == posted + EFFECT(okind, oamount)));
    i++
  :: else -> break
  od;
  i = 0
}

inline check_once(b, number, kind) {
  assert(!(body[b].taken & (1 << number)));
  body[b].taken = body[b].taken | (1 << number);
  if
  :: kind != VOID && !CHEATED ->
    granted_effects++;
    assert(granted_effects <= WISHES - wishes)
  :: else
  fi
}

inline check_pending(b) {
  assert(body[b].pkind == body[b].akind && body[b].pamount == body[b].aamount)
}

inline check_frozen_rightly() {
#ifdef STALE
  skip
#else
  assert(CHEATED)
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
  assert(!(told && since != 0 && c + 1 >= since));
  assert(!parted || owner == 0 || owner == who + 1)
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
