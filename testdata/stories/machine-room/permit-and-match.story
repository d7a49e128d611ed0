# 第6条第3項第1号: 事前許可のある職員が、入室・退室の都度、生体認証をして通る / 6-3-1: a permitted employee is matched on the way in and on the way out
door machine-room
at 2026-11-24T09:00:00+09:00

# 入室: 職員証、次に指 / in: the badge, then the finger
> badge entry 10023
< show entry finger
! lock released within 500ms
> finger entry s-001
< show entry granted
< lock released
< event access_granted person=s-001 side=entry wire=secured reason=
> door open
< event access_taken person=s-001 side=entry
< state leaf=open inside=1
> door close
< lock secured
< state leaf=closed

# 退室も同じ / the same on the way out
> badge exit 10023
< show exit finger
> finger exit s-001
< show exit granted
< lock released
< event access_granted person=s-001 side=exit
> door open
< event access_taken person=s-001 side=exit
> door close
< lock secured
< state leaf=closed inside=0
! lock released within 3s
