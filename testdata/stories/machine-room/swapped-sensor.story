# 第6条第3項第1号: すり替えられた指紋センサの「一致」は信じない / 6-3-1: a swapped sensor's match is not believed
door machine-room
at 2026-11-24T09:00:00+09:00

> sensor entry swap
< event reader_rejected device=finger-entry severity=A within 15s
> badge entry 10023
< event access_denied person=s-001 reason=AUTH_UNAVAILABLE
> finger entry s-001
! event access_granted within 3s
! lock released within 3s
# 退室側のセンサは別のもの / the other side has its own
> badge exit 10023
< show exit finger
> finger exit s-001
< event access_granted person=s-001 side=exit
