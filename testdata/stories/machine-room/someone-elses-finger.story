# 第6条第3項第1号: 他人の指では、登録された職員のものでも開かない / 6-3-1: another's finger does not open, not even an enrolled and permitted one
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-007
< show entry again
< event access_denied person=s-001 reason=INCORRECT_FACTOR article=6-3-1
! event access_granted within 3s
! event access_denied person=s-007 within 3s
! lock released within 3s

# 本人ならば、やり直せる / the holder may try again
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
