# 第6条第1項: 夜の停電の後、時計が信頼できない間は入室させない。退室は妨げない / 6-1: after a power cut at night the clock is not trusted: no entry, but never a hindrance on the way out
door machine-room
at 2026-11-25T02:00:00+09:00

> clock untrusted
< event time_untrusted within 10s
> power cut box
> power restore box
< event daemon_started clock=untrusted within 20s
! lock released within 2s
> badge entry 10023
< event access_denied person=s-001 reason=CLOCK_UNTRUSTED within 8s
! lock released within 2s
> badge exit 10023
< show exit finger
> finger exit s-001
< event access_granted person=s-001 side=exit clock=untrusted
< lock released
> door open
< event access_taken side=exit
> door close

> clock trusted
< event time_trusted within 10s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001 side=entry clock=trusted
