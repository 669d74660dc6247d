"""Rules of an ingress that fall together, when what they all rest upon is broken."""

RESUMING = ("it_goes_on_from_the_positions_of_a_run_before", "it_goes_on_when_it_is_closed_and_opened_again")
OUTAGES = ("an_outage_loses_no_change", "a_source_that_is_down_at_the_start_is_waited_for")
ACKNOWLEDGING = (
    "it_can_be_told_what_was_applied_when_reading_has_ended",
    "the_acknowledgement_reaches_the_last_message",
    "nothing_is_acknowledged_before_it_is_applied",
)
POSITIONS = ("positions_rise_from_message_to_message", "positions_can_be_kept_as_json")
ARRIVING = (
    "what_is_sent_once_it_is_open_arrives",
    "changes_arrive_once_and_in_the_order_they_were_sent",
    "garbage_does_not_end_it",
)
