# 第6条第3項第1号: 許可は、始まりの時刻から使える / 6-3-1: a permit holds from its first second
door machine-room
at 2026-12-01T00:00:00+09:00

> badge entry 10026
< show entry finger
> finger entry s-004
< event access_granted person=s-004 side=entry
< lock released
