# 第6条第3項第1号: 生体情報は扉で本人が登録し、両側のセンサに写る。そのときから入室にも退室にも使える / 6-3-1: a finger is enrolled at the door by its owner and copied to the other side; from then on it opens both ways
door machine-room
at 2026-11-24T09:00:00+09:00

# 登録のない者は入れない / without a finger nobody gets in
> badge entry 10038
< event access_denied person=s-016
! lock released

# 光と音に合わせて、指を置き、離す / the light and the tone say when: finger on, finger off
> order enroll s-016
< event order_accepted person=s-016 within 5s
< show entry place-finger within 5s
> finger entry s-016
< show entry lift-finger
< show entry place-finger
> finger entry s-016
< show entry lift-finger
< show entry place-finger
> finger entry s-016
< show entry lift-finger
< show entry place-finger
> finger entry s-016
< show entry enrolled within 10s
< event biometric_enrolled person=s-016 side=entry within 10s
< event roster_changed person=s-016

> wait 3s
> badge entry 10038
< show entry finger
> finger entry s-016
< event access_granted person=s-016 side=entry
< lock released
> door open
< event access_taken person=s-016 side=entry
> door close
< lock secured
> badge exit 10038
< show exit finger
> finger exit s-016
< event access_granted person=s-016 side=exit
< lock released
> door open
< event access_taken person=s-016 side=exit
> door close
