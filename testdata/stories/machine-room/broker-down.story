# 第10条: 通信が絶えている間の五百の出来事も、一つも失われず順に届く / 10: five hundred events of an outage arrive, all and in order
door machine-room
at 2026-11-24T09:00:00+09:00

> broker stop
# 扉は自分で判断する / the door judges by itself
> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
> door close
> repeat 125 door force then tamper entry on then door close then tamper entry off
! event within 500ms

> broker start
< event access_granted person=s-001 within 15s
< event access_taken person=s-001 within 15s
< event door_forced times 125 within 20s
< event door_restored within 20s
< event link_restored within 20s
