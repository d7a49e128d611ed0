# 第6条第3項第1号: 生体情報を消せば、両側のセンサから消え、その指では通れない / 6-3-1: an erased finger is gone from both sensors, and passes no more
door machine-room
at 2026-11-24T09:00:00+09:00

> order erase s-001
< event order_accepted person=s-001 within 5s
< event roster_changed person=s-001
< event biometric_erased person=s-001 times 2 within 10s
> wait 1s
> badge entry 10023
< event access_denied person=s-001
! show entry finger within 3s
! lock released within 3s
# ほかの者の指は残る / everybody else's stays
> badge entry 10029
< show entry finger
> finger entry s-007
< event access_granted person=s-007
