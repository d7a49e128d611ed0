# 第10条: 通信が絶えても扉は働き、出来事は後から順に、すべて届く / 10: without the broker the door works on, and every event arrives later, in order
door machine-room
at 2026-11-24T09:00:00+09:00

> broker stop
> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
> wait 1s
> door close
< lock secured
! event access_granted within 500ms
> broker start
< event access_granted person=s-001 within 15s
< event access_taken person=s-001 within 15s
< event link_restored within 15s
