/** Passwords of twelve letters and more that many people use, in lower case: shorter ones aren't taken anyway. */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  123456789012 1234567890123 12345678901234 123456789123 123412341234 121212121212 123123123123 012345678910 987654321098 098765432109
  qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopas qwertyuiopasdf qwertyuiopasdfghjkl qwerty123456 qwerty1234567 qwertyqwerty
  asdfghjkl123 asdfasdfasdf zxcvbnm12345 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc q1w2e3r4t5y6
  password1234 password12345 password123456 password2024 password2025 password2026 passwordpassword password123! password1234! passw0rd1234
  p@ssw0rd1234 p@ssword1234 mypassword123 changeme1234 changemenow1 letmein12345 letmeinletmein welcome12345 welcome123456 welcometothe
  iloveyou1234 iloveyou12345 iloveyouforever iloveyousomuch iloveyoubaby abcdefghijkl abcdefghijklm abcdefg12345 abc123456789 abcd12345678
  a1b2c3d4e5f6 aa1234567890 administrator administrator1 admin1234567 adminadmin123 administrador superman1234 superadmin123 trustno1trustno1
  correcthorsebatterystaple correct horse battery staple sunshine1234 princess1234 football1234 baseball1234 liverpool123 manchester1
  manchesterunited newyorkyankees hospital1234 hospital12345 healthcare12 healthcare123 medicine1234 doctor123456 nurse1234567 patient12345
  clinician123 summer2024!! winter2024!! spring2025!! autumn2025!! summer2025!! winter2025!! january2025! december2025 monkey123456
  dragon123456 master123456 michael12345 jennifer1234 christopher1 unbelievable internet1234 computer1234 samsung12345 google123456
  facebook1234 microsoft123 test12345678 testtesttest testing12345 demo12345678 guest1234567 default12345 secret123456 topsecret123
  111222333444 147258369147 159753159753 741852963741 112233445566 11223344556677 password!@#$ qweasdzxc123 zaq12wsxcde3 zaq1zaq1zaq1
  `
    .trim()
    .split(/\s+/)
    .concat('correct horse battery staple'),
);
