/* The line, faults, the person at the server, cheats, calm and the end. */

#define OPEN(c) (call[c].side != ENDED || body[call[c].body].call == c + 1)

inline crash_server() {
  i = 0;
  do
  :: i < CALLS ->
    if
    :: call[i].side != ENDED -> call[i].cut = 1; end_side(i)
    :: else
    fi;
    i++
  :: else -> break
  od;
  i = 0
}

#ifdef CHEATS
inline copy_body(to, from) {
  to.n = from.n; to.ct = from.ct; to.ar = from.ar; to.dr = from.dr;
  to.pkind = from.pkind; to.pamount = from.pamount; to.mark = from.mark;
  to.dial_in = from.dial_in; to.withdrawn = from.withdrawn; to.holds = from.holds;
  to.akind = from.akind; to.aamount = from.aamount; to.taken = from.taken
}

inline part_ways() {
  parted = 1;
  parted_mark = body[0].mark;
  parted_n = body[0].n;
  parted_ar = body[0].ar
}
#endif

#ifdef BACKUP
inline settle_as(what) {
  settlement = what;
  post(0);
  settlement = 0
}
#endif

#define QUIET (body[0].stage == IDLE && body[0].pkind == NOTHING && okind == NOTHING \
  && reserved == 0 && body[0].ct == posted && body[0].n == s && !frozen)

#ifdef STALE
#define LISTENING(c) (body[call[c].body].call == c + 1 && !call[c].held \
  && (body[call[c].body].stage == STATED || body[call[c].body].stage == AWAITING))

inline play_voucher(c, j) {
  call[c].down = VOUCHER;
  call[c].dkind = kept_voucher[j].kind;
  call[c].dn = kept_voucher[j].number;
  call[c].damount = kept_voucher[j].amount;
  call[c].dct = kept_voucher[j].before;
  call[c].dmark = 0; call[c].dcleared = 0
}

inline play_answer(c, k) {
  call[c].down = kept_answer[k].message;
  call[c].dn = kept_answer[k].number;
  call[c].dmark = k + 1;
  call[c].dcleared = (kept_answer[k].message == REFUSAL_RECEIPT);
  call[c].dkind = 0; call[c].damount = 0; call[c].dct = 0
}

/* step: play-voucher
 * No channel: a recorded voucher arrives, in place of what is on its way.
 * rows: psd STATED Voucher
 * clauses: REG-6 DLG-5 DLG-5.2 */
#define PLAY_VOUCHER(j) \
  :: d_step { LISTENING(c) && kept > j && !(call[c].down == VOUCHER \
       && call[c].dn == kept_voucher[j].number && call[c].dkind == kept_voucher[j].kind \
       && call[c].damount == kept_voucher[j].amount) -> \
       printf("step: play-voucher %d %d\n", c, j); TAKEN(play_voucher); play_voucher(c, j) }

/* step: play-answer
 * No channel: a recorded RECEIPT, or REFUSAL and RECEIPT, of another call arrives.
 * rows: psd STATED Receipt; psd ANSWERED Receipt; psd STATED Refusal
 * clauses: DLG-7.6 DLG-4.3 */
#define PLAY_ANSWER(k) \
  :: d_step { LISTENING(c) && k < CALLS && k != c && kept_answer[k % CALLS].message != NONE \
       && call[c].dmark != k + 1 -> \
       printf("step: play-answer %d %d\n", c, k); TAKEN(play_answer); play_answer(c, k % CALLS) }
#endif

#ifdef PLANT_BODY
#define STRANGER_TAKES(c) 1
#else
#define STRANGER_TAKES(c) 0     /* REG-6 no. 2 */
#endif

#ifdef LATE_CALM
#define MAY_CALM (calls == BUSY_CALLS)   /* random runs are to be long */
#else
#define MAY_CALM 1
#endif

#ifdef BACKUP
#define SETTLED (QUIET || (beyond && frozen))
#else
#define SETTLED QUIET
#endif

proctype line(byte c) {
end:
  do
#ifdef STALE
  PLAY_VOUCHER(0)
  PLAY_VOUCHER(1)
  PLAY_VOUCHER(2)
  PLAY_VOUCHER(3)
  PLAY_ANSWER(0)
  PLAY_ANSWER(1)
  PLAY_ANSWER(2)
  PLAY_ANSWER(3)

  /* step: apply-elsewhere
   * No channel: a voucher reaches another PSD with the same number and CT.
   * rows: psd STATED Voucher
   * clauses: REG-6 */
  :: d_step { (call[c].down == VOUCHER && !call[c].held && call[c].dn == 1
       && call[c].dct == 0 && STRANGER_TAKES(c)) ->
       printf("step: apply-elsewhere %d\n", c); TAKEN(apply_elsewhere);
       HOLDS(MONEY-7, false) }
#endif

  /* step: cut-line
   * The line of a call is lost; messages on their way may still arrive.
   * rows: machine * LineLost; server * LineLost
   * clauses: DLG-14.1 */
  :: d_step { !calm && faults > 0 && OPEN(c) && !call[c].cut ->
       printf("step: cut-line %d\n", c); TAKEN(cut_line);
       faults--;
       call[c].cut = 1 }
  od
}

proctype world() {
end:
  do
  /* step: server-crash
   * The server's process ends between two transactions.
   * rows: server * LineLost
   * clauses: DLG-1.4 DLG-14.2 */
  :: d_step { !calm && faults > 0 && SIDE_ALIVE ->
       printf("step: server-crash\n"); TAKEN(server_crash);
       faults--;
       crash_server() }

#ifdef VOIDING
  /* step: void
   * A person takes the outstanding voucher back.
   * rows:
   * clauses: REG-7.2 REG-7.3 */
  :: d_step { !calm && okind != NOTHING && !ovoid ->
       printf("step: void\n"); TAKEN(void);
       ovoid = 1;
#ifdef PLANT_VOID_FREES
       funds = funds + reserved; reserved = 0;
#endif
       check_money() }
#endif

#ifdef PLANT_TIMER
  /* (planted) */
  :: d_step { okind == RECHARGE ->
       printf("step: release\n"); TAKEN(release);
       funds = funds + reserved; reserved = 0;
       okind = NOTHING; oamount = 0; ovoid = 0;
       check_money() }
#endif

#ifdef CLONE
  /* step: clone
   * The memory of an idle machine is copied into a second body.
   * rows:
   * clauses: DLG-7.2 REG-11 */
  :: d_step { !parted && body[0].stage == IDLE ->
       printf("step: clone\n"); TAKEN(clone);
       copy_body(body[1], body[0]);
       part_ways();
       cheated = 1 }
#endif

#ifdef IMAGE
  /* step: keep-image
   * The memory of an idle machine is copied and put aside.
   * rows:
   * clauses: REG-11 */
  :: d_step { !parted && body[0].stage == IDLE ->
       printf("step: keep-image\n"); TAKEN(keep_image);
       copy_body(image, body[0]);
       part_ways() }

  /* step: restore-image
   * The copy is put back.
   * rows:
   * clauses: DLG-7.2 REG-3 REG-11 */
  :: d_step { parted && !cheated && body[0].stage == IDLE ->
       printf("step: restore-image\n"); TAKEN(restore_image);
       copy_body(body[0], image);
       since = calls + 1;
       cheated = 1 }
#endif

#ifdef BACKUP
  /* step: keep-backup
   * The books are copied.
   * rows:
   * clauses: REG-9 */
  :: d_step { !calm && !backed_up ->
       printf("step: keep-backup\n"); TAKEN(keep_backup);
       backed_up = 1;
       backup.s = s; backup.total = total; backup.okind = okind; backup.oamount = oamount;
       backup.ovoid = ovoid; backup.funds = funds; backup.reserved = reserved;
       backup.posted = posted; backup.acknowledged = acknowledged;
       backup.issued = issued; backup.last_ar = last_ar;
       backup.last_dial_in = last_dial_in }

  /* step: restore-backup
   * The server ends and starts again on the copy.
   * rows: server * LineLost
   * clauses: REG-9 */
  :: d_step { !calm && backed_up && !restored && !frozen ->
       printf("step: restore-backup\n"); TAKEN(restore_backup);
       restored = 1;
       behind = 1;
       beyond = (s + (okind != NOTHING)
         > backup.s + (backup.okind != NOTHING) + 1);
       crash_server();
       s = backup.s; total = backup.total; okind = backup.okind; oamount = backup.oamount;
       ovoid = backup.ovoid; funds = backup.funds; reserved = backup.reserved;
       posted = backup.posted; acknowledged = backup.acknowledged;
       issued = backup.issued; last_ar = backup.last_ar;
       last_dial_in = backup.last_dial_in }

  /* step: resolve
   * A person posts, reverses or adopts what the evidence proves; what is proved of the
   * money comes before the mark.
   * rows:
   * clauses: REG-9 */
  :: d_step { RESOLVABLE && !SIDE_ALIVE ->
       printf("step: resolve\n"); TAKEN(resolve);
       if
       :: PROVES_POST -> settle_as(POST)
       :: PROVES_REVERSE -> settle_as(VOIDED)
       :: PROVES_LOST ->
         okind = shown_kind; oamount = shown_amount;
         if
         :: okind == RECHARGE -> funds = funds - oamount; reserved = reserved + oamount
         :: else
         fi;
         settle_as(POST)
       :: else
       fi;
       if
       :: PROVES_MARK -> acknowledged = stated_mark; issued = 0; frozen = 0; behind = 0
       :: else
       fi;
       check_money() }
#endif

#ifdef CALM
  /* step: calm
   * No more faults, requests and people: one more dial-in, and everything is settled.
   * rows:
   * clauses: DLG-6.2 DLG-14.1 */
  :: d_step { !calm && MAY_CALM && body[0].stage == IDLE ->
       printf("step: calm\n"); TAKEN(calm);
       calm = 1;
       calls = BUSY_CALLS;
       faults = 0; wishes = 0; franks = 0 }

  :: timeout ->
       HOLDS(LIVE-1, calm);
       HOLDS(LIVE-2, SETTLED);
       break
#else
  :: timeout -> break
#endif
  od
}
