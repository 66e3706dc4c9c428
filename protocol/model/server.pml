/* The server: its books, and its side of each call. */

proctype server_side(byte c) {
end:
  do
  /* step: judge
   * The STATEMENT came, its machine is proved; settle, check, decide, store: one
   * transaction. An older dial-in on a slow line is superseded.
   * rows: server GREETED Greeting3Received; server IDENTIFYING CredentialFound;
   *   server JUDGING Superseded
   * clauses: REG-5 REG-5.1 REG-5.2 REG-5.3 REG-7.1 REG-7.3 REG-8 REG-9 DLG-5.1 DLG-7.2
   *   DLG-7.3 DLG-8.1 DLG-8.4 DLG-14.2 */
  :: d_step { call[c].side == GREETED && call[c].up == STATEMENT ->
       printf("step: judge %d\n", c); TAKEN(judge);
       judge_statement(c);
       forget_verdict();
       check_money() }

#ifdef PLANT_SEND_FIRST
  /* (planted) */
  :: d_step { (call[c].side == GREETED && call[c].up == STATEMENT && okind == NOTHING
       && call[c].un == s && call[c].ukind == RECHARGE && call[c].uamount <= funds) ->
       printf("step: send-unstored %d\n", c); TAKEN(send_unstored);
       okind = call[c].ukind; oamount = call[c].uamount;
       resend(c);
       okind = NOTHING; oamount = 0;
       call[c].side = UNSTORED }
#endif
#ifdef PLANT_NO_ROLLBACK
  /* (planted) */
  :: d_step { (call[c].side == GREETED && call[c].up == STATEMENT && okind == NOTHING
       && call[c].un == s && call[c].ukind == RECHARGE && call[c].uamount <= funds) ->
       printf("step: judge-half %d\n", c); TAKEN(judge_half);
       funds = funds - call[c].uamount; reserved = reserved + call[c].uamount;
       call[c].cut = 1;
       end_side(c);
       check_money() }
#endif

  /* step: post
   * The CONFIRMATION came: post, in one transaction.
   * rows: server DELIVERED ConfirmationReceived
   * clauses: REG-5 REG-5.1 REG-5.3 REG-5.4 DLG-6.2 DLG-7.1 */
  :: d_step { (call[c].side == DELIVERED && call[c].up == CONFIRMATION && !call[c].held
       && NEWEST(c)) ->
       printf("step: post %d\n", c); TAKEN(post);
       judge_confirmation(c);
       forget_verdict();
       check_money() }

  /* step: answer
   * What was committed leaves, as it was stored.
   * rows: server JUDGING Delivered; server JUDGING Closed; server JUDGING Frozen;
   *   server POSTING Closed; server POSTING Frozen; server STORING_VOUCHER Stored
   * clauses: DLG-1.3 DLG-1.4 DLG-5.1 */
  :: d_step { call[c].held ->
       printf("step: answer %d\n", c); TAKEN(answer);
       record(c);
       call[c].held = 0;
       tidy(c);
#ifdef PLANT_POST_ON_SENDING
       if
       :: call[c].down == VOUCHER -> settlement = POST; post(c); settlement = 0
       :: else
       fi;
       check_money();
#endif
       i = 0 }

  /* step: keep-voucher
   * The LAST_VOUCHER came and is stored for the person who resolves.
   * rows: server FROZEN LastVoucherReceived
   * clauses: DLG-8.3 REG-9 */
  :: d_step { (call[c].side == FROZEN && call[c].up == LAST_VOUCHER && call[c].newest
       && !call[c].held) ->
       printf("step: keep-voucher %d\n", c); TAKEN(keep_voucher);
#ifdef BACKUP
       shown_n = call[c].un; shown_kind = call[c].ukind;
       shown_amount = call[c].uamount; shown_before = call[c].uct;
#endif
       clear_up(c);
       call[c].down = ACK;
       call[c].held = 1 }

  /* step: store-goodbye
   * The GOODBYE came: the mark that it names is acknowledged if it is the one issued.
   * rows: server CLOSED GoodbyeReceived; server FROZEN GoodbyeReceived
   * clauses: DLG-7.3 DLG-14.2 */
  :: d_step { ((call[c].side == CLOSED || call[c].side == FROZEN) && call[c].up == GOODBYE
       && !call[c].held) ->
       printf("step: store-goodbye %d\n", c); TAKEN(store_goodbye);
       if
       :: issued != 0 && call[c].umark == issued && call[c].newest ->
         who = call[c].body;
         note_told(c, issued, 0, 0);
         acknowledged = issued;
         issued = 0;
         who = 0
       :: else
       fi;
       end_side(c) }

  /* step: step-aside
   * A newer call of the machine has won: this one may write nothing more.
   * rows: server DELIVERED Superseded; server POSTING Superseded; server CLOSED Superseded;
   *   server FROZEN Superseded; server STORING_VOUCHER Superseded
   * clauses: DLG-14.2 */
  :: d_step { ((call[c].side == DELIVERED || call[c].side == CLOSED || call[c].side == FROZEN)
       && !call[c].newest && !call[c].held) ->
       printf("step: step-aside %d\n", c); TAKEN(step_aside);
       supersede(c) }

  /* step: refuse-packet
   * What came has no place in this state: ERROR.
   * rows: server GREETED Failed; server DELIVERED Failed; server CLOSED Failed;
   *   server FROZEN Failed
   * clauses: DLG-1.1 DLG-3.3 */
  :: d_step { (call[c].up != NONE && !call[c].held
       && ((call[c].side == GREETED && call[c].up != STATEMENT)
         || (call[c].side == DELIVERED && call[c].up != CONFIRMATION)
         || (call[c].side == CLOSED && call[c].up != GOODBYE)
         || (call[c].side == FROZEN && call[c].up != GOODBYE && call[c].up != LAST_VOUCHER))) ->
       printf("step: refuse-packet %d\n", c); TAKEN(refuse_packet);
       call[c].cut = 1;
       end_side(c) }

  /* step: server-loses-line
   * The server finds out that the line is lost, or waits too long, or its books failed
   * after or before they had committed; what is committed and not sent is never sent.
   * rows: server * LineLost; server * StoreFailed; server READY Failed;
   *   server IDENTIFYING Failed; server JUDGING Failed; server POSTING Failed;
   *   server STORING_VOUCHER Failed
   * clauses: DLG-13 DLG-14.1 */
  :: d_step { call[c].side != ENDED && call[c].cut ->
       printf("step: server-loses-line %d\n", c); TAKEN(server_loses_line);
       end_side(c) }
  od
}
