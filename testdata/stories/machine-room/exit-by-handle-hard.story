# 第6条第1項: 前回の退室記録がなければ入れない場所では、命令で在室記録を訂正してから入る / 6-1: where a missing exit refuses, an order resets it first
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
< event access_taken person=s-001 side=entry
> door close
> handle
> door open
< event exit_unidentified
> door close
< state leaf=closed lock=secured

> badge entry 10023
< show entry finger
> finger entry s-001
< show entry refused-permit
< event access_denied person=s-001 reason=PASSBACK
! event access_granted within 3s

> order reset s-001
< event passback_reset person=s-001 within 5s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001 remarks=
< show entry granted
-- rulebook.toml --
# 機械室のみ。前回の退室記録がない者を入れない / the machine room alone, with hard anti-passback
regulation = "日野市住民基本台帳ネットワークシステム運営セキュリティ規則(平成14年規則第49号)"
regulation_version = "平成30年6月8日"
decided_by = "試験用データ"
time_zone = "Asia/Tokyo"

[lockout]
mismatches = 5
block = "20s"

[permits]
fiscal_year_end = true

[holidays]
national = "japan"
year_end = true
from = 2024
to = 2035

[[places]]
id = "machine_room"
ja = "情報システム課機械室"
en = "Machine room of the information systems section"
article = "6-2-1"
post = "joho_system_kacho"
post_ja = "情報システム課長"
post_en = "the head of the information systems section"
anti_passback = "hard"

[places.entry]
permit = "prior"
factors = ["badge", "finger"]
wire = "secured"
proof = "clonable"

[places.exit]
factors = ["badge", "finger"]

[places.timings]
release = "3s"
extended_release = "6s"
not_taken = "6s"
open = "8s"
extended_open = "16s"
pre_alarm = "3s"
finger = "5s"
extended_finger = "10s"
request = "8s"
