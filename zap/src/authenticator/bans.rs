//! Who is banned, to see, to change, and to keep across a restart.

use std::time::SystemTime;

use zmtp_core::peer::PeerAddress;

use super::Authenticator;
use crate::gate::{Ban, BanError, BanFault};

impl Authenticator {
    /// Who is banned now.
    #[must_use]
    pub fn bans(&self) -> Vec<Ban> {
        self.shared.gate.bans(SystemTime::now())
    }

    /// Bans the source of `address`, as an earlier run did.
    pub fn ban(&self, address: &PeerAddress, until: SystemTime, times: u32) {
        self.shared.gate.ban(address, until, times);
    }

    /// Forgets the ban of the source of `address`; whether there was one.
    pub fn unban(&self, address: &PeerAddress) -> bool {
        self.shared.gate.unban(address)
    }

    /// The bans in force as text, each on a line as [`Ban`] is shown, for
    /// [`import_bans`](Self::import_bans), fail2ban or a firewall.
    #[must_use]
    pub fn export_bans(&self) -> String {
        self.bans().iter().map(|ban| format!("{ban}\n")).collect()
    }

    /// Puts the bans in force that [`export_bans`](Self::export_bans) wrote, here or in another program,
    /// and tells how many they are. Empty lines and those that begin with `#` do not count. Of two bans of
    /// one source the one that ends later holds. As with every ban, at most 65,536 sources are remembered.
    ///
    /// # Errors
    /// [`BanError`] for the first line that is none; nothing is put in force then.
    pub fn import_bans(&self, text: &str) -> Result<usize, BanError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let bans: Result<Vec<Ban>, _> =
            lines.map(|(line, text)| text.parse().map_err(|BanFault| BanError { line })).collect();
        let bans = bans?;
        bans.iter().for_each(|ban| self.shared.gate.restore(ban));
        Ok(bans.len())
    }
}
