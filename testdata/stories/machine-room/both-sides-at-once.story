# 第6条第3項第1号: 両側から同時に。一つの解錠には一人の持ち主だけ / 6-3-1: both sides at once: one opening, one owner
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> badge exit 10029
< show exit finger
> finger entry s-001
< lock released
< event access_granted person=s-001 side=entry
> finger exit s-007
< show exit busy
! event access_granted side=exit within 500ms
> door open
< event access_taken person=s-001 side=entry
! event access_taken person=s-007 within 500ms

# 閉まれば、待っていた側の番 / once it is closed, it is the other one's turn
> door close
< event access_granted person=s-007 side=exit
< show exit granted
> door open
< event access_taken person=s-007 side=exit
! event opening_ambiguous within 1s
> door close
