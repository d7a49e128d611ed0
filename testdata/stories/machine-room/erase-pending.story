# 第6条第3項第1号: 消去できなかったセンサは、次に起動したとき真っ先に消す / 6-3-1: what could not be erased is erased first at the next start
door machine-room
at 2026-11-24T09:00:00+09:00

> sensor exit unplug
< event reader_lost device=finger-exit within 15s
> order erase s-001
< event roster_changed person=s-001 within 5s
< event biometric_erasure_pending side=exit person=s-001
< event biometric_erased side=entry person=s-001 within 10s
! event biometric_erased side=exit within 5s
> daemon stop
> sensor exit plug
> daemon start
< event daemon_started within 10s
< event biometric_erased side=exit person=s-001 device=finger-exit within 20s
> badge exit 10023
< event access_denied person=s-001 side=exit
! lock released within 3s
> handle
> door open
> door close
