"""What others look at: reports, the site, statements, contracts, the demo."""
