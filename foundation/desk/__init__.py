"""What every app's pages for staff are made of: they show, they find, they ask before they do."""
