/* The machine: what its PSD stores, and its side of the dialogue. */

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
